// The demo's output: hub, source, plan, outcome, and what to try next.
import type { ApplyReport, ApplyResult } from '../../controller/once/apply.ts';
import type { Declared } from '../../model/declared.ts';
import type { Loaded } from '../../manifest/load.ts';
import { foldShapes } from '../../plan/report/shapes.ts';
import type { EmbeddedHub } from '../connect/embedded-hub.ts';
import type { HubPlan } from '../render/plan-text.ts';
import { countProblems } from '../render/report.ts';
import type { Style } from '../render/style.ts';
import { countOf, formatCount } from '../render/table.ts';

export function headText({ endpoint, fleet }: EmbeddedHub, style: Style): string {
  const { devices = 0, byKind } = fleet?.summary ?? {};
  const legacy = (byKind?.['legacy-cs'] ?? 0) + (byKind?.['legacy-c'] ?? 0);
  const kinds = `${legacy} legacy, ${byKind?.micro ?? 0} micro, ${byKind?.['acme-guard'] ?? 0} acme-guard`;
  return [
    style.bold('Twinward demo. Everything on 127.0.0.1; nothing leaves this machine.'),
    line('hub', `${endpoint}   ${countOf(devices, 'device')}: ${kinds} (seed ${fleet?.seed ?? 0})`, style),
  ].join('\n');
}

export function sourceLine(paths: readonly string[], { documents, diagnostics }: Loaded, style: Style): string {
  return line('source', `${paths.join(' ')}  ${countOf(documents, 'document')}, ${countProblems(diagnostics)}`, style);
}

export function planLine({ twins, summary }: HubPlan, style: Style): string {
  const { actions, settings } = summary;
  const writing = actions.Patch + actions.Create + actions.Record;
  const shapes = foldShapes(twins.filter(({ action }) => action.type !== 'Equal' && action.type !== 'Skip')).length;
  const rest = [
    `${formatCount(actions.Equal)} equal`,
    ...(actions.Observe > 0 ? [`${formatCount(actions.Observe)} observed`] : []),
    ...(actions.Wait > 0 ? [`${formatCount(actions.Wait)} without module`] : []),
    ...(actions.Hold > 0 ? [`${formatCount(actions.Hold)} held`] : []),
  ];
  const text = `${countOf(writing, 'twin')} to write, ${countOf(shapes, 'shape')}, ${countOf(settings.removed, 'removal')}, ${rest.join(', ')}`;
  return line('plan', text, style);
}

/** The writes and the agents' answers; every written twin is in exactly one of the terms. */
export function outcomeText(first: ApplyReport, second: ApplyReport, style: Style): string {
  const { outcomes, writes, durationMs } = first;
  const seconds = durationMs / 1_000;
  const rate = seconds > 0 ? Math.round(writes / seconds) : writes;
  const head = `${countOf(writes, 'write')}  ${formatCount(rate)}/s  ${seconds.toFixed(1)} s`;
  const failures = outcomes.Failed === 0 ? '' : style.red(`  ${formatCount(outcomes.Failed)} failed`);
  const secondPass = `second pass: ${countOf(second.writes, 'write')}`;
  return [
    line('apply', `${head}${failures}`, style),
    `        ${sumText(written(first, second))}     ${secondPass}\n`,
    ...rejections(second.results).map((text) => `${style.red('REJECTED')}  ${text}\n`),
    ...errors(first).map((text) => `${style.red('FAILED')}    ${text}\n`),
  ].join('');
}

/** The written twins of the first pass, as found by the second. */
function written(first: ApplyReport, second: ApplyReport): ApplyResult[] {
  const known = new Map(second.results.map((result) => [keyText(result), result]));
  return first.results
    .filter(({ outcome }) => outcome === 'Written' || outcome === 'Created' || outcome === 'Recorded')
    .map((result) => known.get(keyText(result)) ?? result);
}

const WORDS: Readonly<Record<string, string>> = { Unreachable: 'offline', Written: 'not answered yet' };

function sumText(results: readonly ApplyResult[]): string {
  const counts = Map.groupBy(results, ({ state }) => state?.acknowledgement ?? state?.type ?? 'gone');
  const terms = [...counts]
    .toSorted((a, b) => b[1].length - a[1].length)
    .map(([state, list]) => `${formatCount(list.length)} ${WORDS[state] ?? state}`);
  return terms.length === 0
    ? 'Nothing had to be written.'
    : `${formatCount(results.length)} written = ${terms.join(' + ')}`;
}

const NAMES_MAX = 8;

/** One line for each message of agents: the devices, then the message. */
function rejections(results: readonly ApplyResult[]): string[] {
  const rejected = results.filter(({ state }) => state?.acknowledgement === 'Rejected');
  return [...Map.groupBy(rejected, ({ state }) => state?.detail ?? 'no reason given')].map(([detail, list]) => {
    const names = list.map(({ ref }) => ref.deviceId).toSorted();
    const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : '';
    return `${names.slice(0, NAMES_MAX).join(' ')}${more}  ${detail}`;
  });
}

function errors({ results, error }: ApplyReport): string[] {
  const causes = results.flatMap((result) => (result.error === undefined ? [] : [result.error.message]));
  return [...(error === undefined ? [] : [error.message]), ...causes.slice(0, NAMES_MAX)];
}

/** Names existing devices and files, so that the printed commands work. */
export function demoHints(
  { results }: ApplyReport,
  { endpoint }: EmbeddedHub,
  declared: Declared,
  { once, style }: { readonly once: boolean; readonly style: Style },
): string {
  const applied = results.find(({ state, action }) => state?.acknowledgement === 'Applied' && action !== undefined);
  const rejected = results.find(({ state }) => state?.acknowledgement === 'Rejected');
  const owner = applied?.action?.owners[0];
  const file = declared.configurations.find((configuration) => configuration.owner === owner)?.origin.file;
  const prefix = endpoint.endsWith(':8443') || once ? '' : `TWINWARD_HUB_ENDPOINT=${endpoint} `;
  const hints = [
    ...(file === undefined ? [] : [[`edit ${file}`, 'applied within about two seconds']]),
    ...(applied === undefined
      ? []
      : [[`${prefix}npx twinward demo tamper ${applied.ref.deviceId}`, 'a hand edit, corrected']]),
    ...(rejected === undefined
      ? []
      : [
          [`${prefix}npx twinward why ${rejected.ref.deviceId}`, 'which manifest decided, and the answer of the agent'],
        ]),
    [`${prefix}npx twinward plan`, 'differences from the manifests'],
  ];
  const width = Math.max(...hints.map(([command = '']) => command.length));
  const rows = hints.map(([command = '', why = '']) => `${command.padEnd(width)}   ${style.dim(why)}`);
  const head = once ? 'npm start, and then, here or in another terminal:' : 'here or in another terminal:';
  return [line('try', head, style), ...rows.map((row) => `        ${row}\n`)].join('');
}

function keyText({ ref }: ApplyResult): string {
  return `${ref.deviceId}/${ref.moduleId}`;
}

function line(label: string, text: string, style: Style): string {
  return `${style.dim(label.padEnd(8))}${text}\n`;
}
