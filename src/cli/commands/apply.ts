// `twinward apply`: one pass that makes the live twins equal to the manifests, after a look and a yes.
import {
  applyOnce,
  type ApplyOptions,
  type ApplyReport,
  type ApplyResult,
  type Settled,
} from '../../controller/apply.ts';
import type { Declared } from '../../model/declared.ts';
import { actionDocument } from '../../plan/document.ts';
import { writes } from '../../plan/action.ts';
import type { AgentResult } from '../../controller/await-agents.ts';
import { agentsCode, agentsFields, agentsOf, agentsText } from '../agents-wait.ts';
import type { WaitChoice } from '../wait-choice.ts';
import { confirm } from '../confirm.ts';
import { exitCodeOf } from '../failure.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { withLease } from '../lease.ts';
import { readDeclared, type SourceOptions } from '../manifests.ts';
import { NO_METRICS, SILENT_LOG, withHubs, type HubChoice, type HubSession } from '../plan-hub.ts';
import { planText, type HubPlan } from '../plan-text.ts';
import { createProgress, progressBar } from '../progress.ts';
import { writeDocument, type Format } from '../report.ts';
import { createStyle } from '../style.ts';
import { countOf, firstLines } from '../table.ts';
import type { World } from '../world.ts';
import { planHub } from './plan.ts';

export interface ApplyCommandOptions extends SourceOptions, HubChoice, WaitChoice {
  readonly output: Format;
  /** Without asking. */
  readonly yes?: boolean;
  /** Takes the lease from whoever has it. */
  readonly force?: boolean;
}

export interface AppliedHub {
  readonly name: string;
  readonly report: ApplyReport;
  readonly actions: readonly object[];
  /** What the agents made of it; undefined where they were not waited for. */
  readonly agents: readonly AgentResult[] | undefined;
}

export async function apply(world: World, options: ApplyCommandOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output);
  const applied: AppliedHub[] = [];
  await withHubs(world, declared, options, async (session) => {
    if (options.yes !== true && !(await isWanted(world, declared, session))) return;
    applied.push(await applyHub(world, declared, session, options));
  });
  if (options.output === 'json') {
    writeDocument(world, 'Apply', applyFields(declared, options.instance, applied));
  } else {
    for (const hub of applied) world.out.write(appliedText(hub));
  }
  return world.interrupted.aborted ? EXIT.Interrupted : codeOf(applied);
}

/** Shows the plan and asks; true at once where nothing would be written. */
async function isWanted(world: World, declared: Declared, session: HubSession): Promise<boolean> {
  const plan: HubPlan = await planHub(world, declared, session, false);
  const writing = plan.twins.filter(({ action }) => writes(action)).length;
  world.err.write(planText(plan, createStyle(world.env, world.err)));
  if (writing === 0) return true;
  return confirm(world, `Write ${countOf(writing, 'twin')} on ${plan.name}?`, {
    so: ', and nothing was written',
    hint: 'Say --yes to write.',
  });
}

/** Under the lease of the hub. */
export async function applyHub(
  world: World,
  { profiles }: Declared,
  session: HubSession,
  { output, force, ...waiting }: Pick<ApplyCommandOptions, 'output' | 'force' | 'wait' | 'timeout'>,
  extras: Pick<ApplyOptions, 'select'> = {},
): Promise<AppliedHub> {
  const hub = session.declaredHub.name;
  const actions: object[] = [];
  const describe = ({ ref, action, outcome, error, live }: Settled): void => {
    const what = action === undefined ? { hub, ...ref } : actionDocument({ hub, profiles }, action, live);
    actions.push({ ...what, outcome, ...(error === undefined ? {} : { error: errorFields(error) }) });
  };
  const told = output === 'json' ? { onSettled: describe } : {};
  const wish = { kind: 'apply', force, besideSame: true } as const;
  const report = await withLease(world, session, wish, (leased, signal, lease) => {
    const earlier = lease?.twin?.approved;
    const onApproved: ApplyOptions['onApproved'] = async (approved) => lease?.remember(approved, signal);
    return applyWithProgress(world, leased, { ...told, ...extras, earlier, onApproved, signal });
  });
  return { name: hub, report, actions, agents: await agentsOf(world, session, report, waiting) };
}

export async function applyWithProgress(
  world: World,
  { declaredHub, planner, mode, hub }: HubSession,
  extras: Partial<Pick<ApplyOptions, 'onSettled' | 'select' | 'signal' | 'earlier' | 'onApproved'>> = {},
): Promise<ApplyReport> {
  const { clock, random, interrupted: signal } = world;
  const progress = createProgress(world);
  const startedAtMs = clock.now();
  try {
    return await applyOnce({
      planner,
      mode,
      hub,
      hubName: declaredHub.name,
      clock,
      random,
      log: SILENT_LOG,
      metrics: NO_METRICS,
      signal,
      onProgress: ({ done, total }) => progress.show(`apply   ${progressBar(done, total, startedAtMs, clock)}`),
      ...extras,
    });
  } finally {
    progress.clear();
  }
}

function errorFields({ code, message }: NonNullable<Settled['error']>): object {
  return { code, message };
}

export function applyFields({ revision, partial }: Declared, instance: string, applied: readonly AppliedHub[]): object {
  const hubs = applied.map(({ name, agents, report: { outcomes, writes: written, durationMs, error } }) => ({
    name,
    outcomes,
    writes: written,
    durationMs,
    ...(agents === undefined ? {} : { agents: agentsFields(agents) }),
    ...(error === undefined ? {} : { error: errorFields(error) }),
  }));
  const outcomes: Record<string, number> = {};
  for (const hub of hubs) {
    for (const [outcome, count] of Object.entries(hub.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  const actions = applied.flatMap((hub) => hub.actions);
  return { revision, partial, instance, hubs, summary: { twins: actions.length, outcomes }, actions };
}

export function appliedText({ name, report, agents = [] }: AppliedHub): string {
  return applyText(name, report) + agentsText(agents);
}

/** What was not written weighs more than what an agent makes of it. */
export function codeOf(applied: readonly AppliedHub[]): ExitCode {
  const code = worst(applied.map(({ report }) => report));
  const answers = agentsCode(applied.flatMap(({ agents = [] }) => agents));
  return code === EXIT.Ok || (code === EXIT.Held && answers !== EXIT.Ok) ? answers : code;
}

function applyText(
  name: string,
  { outcomes, results, writes: written, durationMs, guards, error }: ApplyReport,
): string {
  const counts = Object.entries(outcomes)
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${count} ${outcome}`);
  const isRefused = ({ action }: ApplyResult): boolean =>
    action?.reason === 'GuardRefused' && action.message === guards?.message;
  const failures = results
    .filter((result) => (result.outcome === 'Failed' || result.outcome === 'Held') && !isRefused(result))
    .map(({ ref, outcome, action, error: cause }) => {
      const why = cause?.message ?? action?.message ?? 'the hub answered with another twin than was written';
      return `  ${outcome}  ${ref.deviceId}/${ref.moduleId}  ${why}`;
    });
  const refused = results.filter(isRefused).length;
  const lines = [
    `${name}   ${counts.length === 0 ? 'no twin' : counts.join(' + ')}   ${countOf(written, 'write')} in ${(durationMs / 1_000).toFixed(1)} s`,
    ...firstLines(failures),
    ...(guards?.message === undefined ? [] : [`  Held  ${countOf(refused, 'twin')} by the guards: ${guards.message}`]),
    ...(error === undefined ? [] : [`  The hub could not be listed to the end: ${error.message}`]),
  ];
  return `${lines.join('\n')}\n`;
}

/** A twin that failed weighs more than one that is held. */
function worst(reports: readonly ApplyReport[]): ExitCode {
  for (const { error, results } of reports) {
    const cause = error ?? results.find(({ outcome }) => outcome === 'Failed')?.error;
    if (cause !== undefined) return exitCodeOf(cause.code);
    if (results.some(({ outcome }) => outcome === 'Failed')) return EXIT.Failed;
  }
  return reports.some(({ outcomes }) => outcomes.Held > 0) ? EXIT.Held : EXIT.Ok;
}
