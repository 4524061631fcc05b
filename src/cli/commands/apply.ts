// `twinward apply`: one pass that makes the live twins equal to the manifests, after showing the plan and asking.
import {
  applyOnce,
  type ApplyOptions,
  type ApplyReport,
  type ApplyResult,
  type Settled,
} from '../../controller/once/apply.ts';
import { rememberApproval } from '../../controller/lease/approvals.ts';
import type { Declared } from '../../model/declared.ts';
import { actionDocument } from '../../plan/report/document.ts';
import { writes } from '../../model/action.ts';
import type { AgentResult } from '../../controller/reconcile/await-agents.ts';
import { agentsCode, agentsFields, agentsOf, agentsText } from '../connect/agents-wait.ts';
import type { WaitChoice } from '../input/wait-choice.ts';
import { confirm } from '../render/confirm.ts';
import { exitCodeOf } from '../failure.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { withLease } from '../connect/lease.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { NO_METRICS, SILENT_LOG, withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { planText, workText, type HubPlan } from '../render/plan-text.ts';
import { createProgress, progressBar } from '../render/progress.ts';
import { writeDiagnostics, writeDocument, type Format } from '../render/report.ts';
import { createStyle } from '../render/style.ts';
import { countOf, formatCount } from '../render/table.ts';
import type { World } from '../world.ts';
import { planHub } from './plan.ts';

export interface ApplyCommandOptions extends SourceOptions, HubChoice, WaitChoice {
  readonly output: Format;
  /** Without asking. */
  readonly yes?: boolean;
  /** Takes the lease from its holder. */
  readonly force?: boolean;
}

export interface AppliedHub {
  readonly name: string;
  readonly report: ApplyReport;
  readonly actions: readonly object[];
  /** The agents' answers; undefined without waiting for them. */
  readonly agents: readonly AgentResult[] | undefined;
}

export async function apply(world: World, options: ApplyCommandOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output);
  const applied: AppliedHub[] = [];
  let isDeclined = false;
  await withHubs(world, declared, options, async (session) => {
    if (options.yes === true || (await isWanted(world, declared, session))) {
      applied.push(await applyHub(world, declared, session, options));
    } else {
      isDeclined = true;
    }
  });
  if (options.output === 'json') {
    writeDocument(world, 'Apply', applyFields(declared, options.instance, applied));
  } else {
    for (const hub of applied) world.out.write(appliedText(hub));
  }
  if (world.interrupted.aborted) return EXIT.Interrupted;
  const code = codeOf(applied);
  return isDeclined && code === EXIT.Ok ? EXIT.Failed : code;
}

/** Shows the plan and asks; true at once if nothing would be written. */
async function isWanted(world: World, declared: Declared, session: HubSession): Promise<boolean> {
  const plan: HubPlan = await planHub(world, declared, session, false);
  writeDiagnostics(world, plan.warnings);
  world.err.write(planText(plan, createStyle(world.env, world.err)));
  if (!plan.twins.some(({ action }) => writes(action))) return true;
  return confirm(world, `${plan.name}: ${workText(plan.summary.actions)}. Go on?`, {
    so: ', and nothing was written',
    hint: 'Use --yes to write.',
  });
}

/** Call while holding the hub's lease. */
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
  const documents = output === 'json' ? { onSettled: describe } : {};
  const wish = { kind: 'apply', force, besideSame: true } as const;
  const report = await withLease(world, session, wish, (leased, signal, reserved) => {
    const earlier = reserved?.last?.approved;
    const onApproved: ApplyOptions['onApproved'] = async (approved) => {
      if (reserved !== undefined) await rememberApproval(reserved, approved, SILENT_LOG, signal);
    };
    return applyWithProgress(world, leased, { ...documents, ...extras, earlier, onApproved, signal });
  });
  return { name: hub, report, actions, agents: await agentsOf(world, session, report, waiting) };
}

export async function applyWithProgress(
  world: World,
  { declaredHub, planner, hub }: HubSession,
  extras: Partial<Pick<ApplyOptions, 'onSettled' | 'select' | 'signal' | 'earlier' | 'onApproved'>> = {},
): Promise<ApplyReport> {
  const { clock, random, interrupted: signal } = world;
  const progress = createProgress(world);
  const startedAtMs = clock.now();
  try {
    return await applyOnce({
      planner,
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

/** A failed or held write takes precedence over an agent's answer. */
export function codeOf(applied: readonly AppliedHub[]): ExitCode {
  const code = worst(applied.map(({ report }) => report));
  const answers = agentsCode(applied.flatMap(({ agents = [] }) => agents));
  return code === EXIT.Ok || (code === EXIT.Held && answers !== EXIT.Ok) ? answers : code;
}

function applyText(
  name: string,
  { outcomes, results, writes: written, durationMs, notes, guards, error }: ApplyReport,
): string {
  const stopped = results.filter(isStopped).length;
  const counts = [...Object.entries({ ...outcomes, Failed: outcomes.Failed - stopped }), ['Stopped', stopped] as const]
    .filter(([, count]) => count > 0)
    .map(([outcome, count]) => `${formatCount(count)} ${outcome}`);
  const unwritten = results.filter(
    (result) => (result.outcome === 'Failed' || result.outcome === 'Held') && !isStopped(result),
  );
  const groups = [...Map.groupBy(unwritten, causeOf).values()].toSorted((a, b) => b.length - a.length);
  const isGuardTold =
    guards?.message === undefined || unwritten.some(({ action }) => action?.message === guards.message);
  const lines = [
    `${name}   ${counts.length === 0 ? 'no twin' : counts.join(' + ')}   ${(durationMs / 1_000).toFixed(1)} s${written === 0 ? ', nothing was written' : ''}`,
    ...groupLines(groups),
    ...notes.map((note) => `  ${note}`),
    ...(isGuardTold ? [] : [`  ${guards.message}`]),
    ...(error === undefined ? [] : [endText(error)]),
    ...(stopped === 0 && error?.code !== 'Aborted' ? [] : [`  ${STOPPED_TEXT}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function endText({ code, message }: NonNullable<ApplyReport['error']>): string {
  return code === 'Aborted'
    ? '  Stopped before the hub was listed to the end.'
    : `  The hub could not be listed to the end: ${message}`;
}

/**
 * An interruption, or the loss of the lease, stopped everything: it is reported once, and is not a failure of the twin.
 */
function isStopped({ error }: ApplyResult): boolean {
  return error?.code === 'Aborted';
}

const STOPPED_TEXT = 'Writes in flight when it stopped may have landed. Run the same command again to continue.';

/** Groups twins: held ones by their reason; failed ones by kind, because each message names its own twin. */
function causeOf({ ref, outcome, action, error }: ApplyResult): string {
  const cause = outcome === 'Held' ? [action?.reason, action?.message] : [error?.code];
  return JSON.stringify([outcome, ref.moduleId, ...cause]);
}

function whyOf({ outcome, action, error }: ApplyResult): string {
  const held = outcome === 'Held' ? action?.message : undefined;
  return error?.message ?? held ?? 'The hub answered with another twin than was written.';
}

const GROUPS_SHOWN_MAX = 10;
const DEVICES_SHOWN_MAX = 10;

function groupLines(groups: readonly (readonly ApplyResult[])[]): string[] {
  const lines = groups.slice(0, GROUPS_SHOWN_MAX).flatMap((results) => {
    const [first] = results;
    if (first === undefined) return [];
    const { ref, outcome, action, error } = first;
    const word = outcome === 'Held' ? (action?.reason ?? '') : (error?.code ?? 'UnexpectedAnswer');
    const head = `${outcome.toUpperCase()} ${word}  ${countOf(results.length, 'twin')}  ${ref.moduleId}`;
    const names = results.map((result) => result.ref.deviceId).toSorted();
    const more = names.length - DEVICES_SHOWN_MAX;
    const shown = [...names.slice(0, DEVICES_SHOWN_MAX), ...(more > 0 ? [`and ${formatCount(more)} more`] : [])];
    return [`  ${head}  ${shown.join(', ')}`, `    ${whyOf(first)}`];
  });
  const left = groups.slice(GROUPS_SHOWN_MAX).reduce((sum, results) => sum + results.length, 0);
  return [...lines, ...(left > 0 ? [`  and ${countOf(left, 'twin')} for other causes`] : [])];
}

/** A failed twin takes precedence over a held one. */
function worst(reports: readonly ApplyReport[]): ExitCode {
  for (const { error, results } of reports) {
    const cause = error ?? results.find(({ outcome }) => outcome === 'Failed')?.error;
    if (cause !== undefined) return exitCodeOf(cause.code);
    if (results.some(({ outcome }) => outcome === 'Failed')) return EXIT.Failed;
  }
  return reports.some(({ outcomes }) => outcomes.Held > 0) ? EXIT.Held : EXIT.Ok;
}
