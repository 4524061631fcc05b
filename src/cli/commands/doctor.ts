// `twinward doctor`: checks everything that can prevent the first write, without writing, each with its fix.
import { HubError } from '../../model/errors.ts';
import { connectHub } from '../connect/connect.ts';
import { checkCredential, examineHub } from '../doctor/doctor-checks.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { exitCodeOf } from '../failure.ts';
import type { Finding, Verdict } from '../render/finding.ts';
import { readManifests, type SourceOptions } from '../input/manifests.ts';
import { chooseHubs, NO_METRICS, type HubChoice } from '../connect/plan-hub.ts';
import { countProblems, writeDiagnostics, writeDocument, type Format } from '../render/report.ts';
import { createStyle, type Style } from '../render/style.ts';
import { countOf } from '../render/table.ts';
import type { World } from '../world.ts';
import type { Declared, DeclaredHub } from '../../model/declared.ts';

export interface DoctorOptions extends SourceOptions, HubChoice {
  readonly output: Format;
}

interface Report {
  /** Undefined for checks without a hub. */
  readonly hub: string | undefined;
  readonly findings: readonly Finding[];
}

export async function doctor(world: World, options: DoctorOptions): Promise<ExitCode> {
  const { loaded } = await readManifests(world, options);
  const { declared, diagnostics, documents } = loaded;
  const reports: Report[] = [];
  const message = `${countOf(documents, 'document')}, ${countProblems(diagnostics)}`;
  if (declared === undefined) {
    writeDiagnostics(world, diagnostics);
    const fix = 'Fix the problems above: no hub was called.';
    reports.push({ hub: undefined, findings: [{ check: 'manifests', verdict: 'failed', message, fix }] });
  } else {
    reports.push({ hub: undefined, findings: [{ check: 'manifests', verdict: 'ok', message }] });
    for (const hub of chooseHubs(declared, options.hub)) {
      reports.push({ hub: hub.name, findings: await examine(world, declared, hub, options.instance) });
    }
  }
  if (options.output === 'json') writeDocument(world, 'Doctor', fieldsOf(reports));
  else world.out.write(textOf(reports, createStyle(world.env, world.out)));
  return declared === undefined ? EXIT.InvalidManifests : codeOf(reports);
}

async function examine(
  world: World,
  declared: Declared,
  declaredHub: DeclaredHub,
  instance: string,
): Promise<readonly Finding[]> {
  const context = { ...world, metrics: NO_METRICS, hubCount: declared.hubs.length };
  try {
    const connected = await connectHub(declaredHub, context);
    try {
      return [checkCredential(connected), ...(await examineHub({ world, declared, declaredHub, connected, instance }))];
    } finally {
      connected.hub.close();
    }
  } catch (error) {
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
    const { code, message, hint: fix = 'See docs/hub-sign-in.md.' } = error;
    return [{ check: code === 'Unauthorized' ? 'credential' : 'address', verdict: 'failed', message, code, fix }];
  }
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: 'ok', warning: 'warning', failed: 'FAILED' };
const MARK_WIDTH = 9;

function textOf(reports: readonly Report[], style: Style): string {
  const paint = { ok: style.green, warning: style.yellow, failed: style.red };
  return reports
    .map(({ hub, findings }) => {
      const lines = findings.map(({ check, verdict, message, fix }) => {
        const advice = fix === undefined ? '' : `  ${' '.repeat(MARK_WIDTH)}${style.dim(fix)}\n`;
        return `  ${paint[verdict](MARKS[verdict].padEnd(MARK_WIDTH))}${check}: ${message}\n${advice}`;
      });
      return hub === undefined ? lines.join('') : `${style.bold(hub)}\n${lines.join('')}`;
    })
    .join('');
}

function fieldsOf(reports: readonly Report[]): object {
  const findings = reports.flatMap(({ hub, findings: list }) =>
    list.map((finding) => ({ ...(hub === undefined ? {} : { hub }), ...finding })),
  );
  return { healthy: findings.every(({ verdict }) => verdict !== 'failed'), findings };
}

function codeOf(reports: readonly Report[]): ExitCode {
  const failed = reports.flatMap(({ findings }) => findings).filter(({ verdict }) => verdict === 'failed');
  const code = failed.find((finding) => finding.code !== undefined)?.code;
  if (code !== undefined) return exitCodeOf(code);
  return failed.length > 0 ? EXIT.Failed : EXIT.Ok;
}
