// `twinward plan`: shows what `apply` would do now, without doing it.
import { costOf, type Cost } from '../../controller/budget/cost.ts';
import type { Declared } from '../../model/declared.ts';
import { closest } from '../../model/similarity.ts';
import { actionDocument, type ActionDocument } from '../../plan/report/document.ts';
import { changesDevice, type TwinAction } from '../../model/action.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import { assumingHiddenValues } from '../../plan/report/hidden-values.ts';
import { lintSelectors } from '../../plan/select/fleet-lint.ts';
import { attribute } from '../../plan/report/attribution.ts';
import { createPlanner, type Planner } from '../../plan/planner.ts';
import { savedTwin, type SavedHub, type SavedPlan } from '../../plan/report/saved-plan.ts';
import { countByTag, type PlannedTwin } from '../../plan/report/shapes.ts';
import { addSummaries, summarize } from '../../plan/report/summary.ts';
import { addCalls, NO_CALLS, callsOf } from '../../plan/report/call-count.ts';
import type { InspectedTwin } from '../../controller/once/inspect.ts';
import type { DeviceTable } from '../../controller/twins/device-table.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { SourceOptions } from '../input/manifests.ts';
import { inspect, LOOKUPS_MAX, withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { changedConfigurations, readPlanInput, type PlanInput, type RevisionChoice } from '../input/plan-input.ts';
import { planText, workText, type HubPlan, type Pending } from '../render/plan-text.ts';
import { writePrivate } from '../input/private-file.ts';
import { documentText, writeDiagnostics, writeDocument, writeWarning, type Format } from '../render/report.ts';
import { createStyle } from '../render/style.ts';
import { countOf } from '../render/table.ts';
import type { World } from '../world.ts';

export interface PlanOptions extends SourceOptions, HubChoice, RevisionChoice {
  readonly output: Format;
  readonly detailedExitcode?: boolean;
  /** Device tag that the text output counts by. */
  readonly by?: string;
  /** A file for `apply`. */
  readonly out?: string;
}

export interface DocumentedPlan extends HubPlan {
  /** Empty if not requested. */
  readonly actions: readonly PlanEntry[];
  readonly saved: SavedHub;
}

/** With `--from`: whether a part comes from the changed manifests. */
type PlanEntry = ActionDocument & { readonly fromThisChange?: boolean };

export async function plan(world: World, options: PlanOptions): Promise<ExitCode> {
  if (options.out !== undefined && options.to !== undefined) {
    const message = 'A plan of a commit can not be saved: apply uses the manifests on disk.';
    throw new CliFailure(EXIT.Failed, message, 'Check the commit out, and omit --to.');
  }
  const input = await readPlanInput(world, options, options.output);
  const { declared, base } = input;
  const plans: DocumentedPlan[] = [];
  await withHubs(world, declared, options, async (session) => {
    plans.push(
      await planHub(world, declared, session, options.output === 'json', { base, instance: options.instance }),
    );
  });
  if (options.output === 'json') writeDocument(world, 'Plan', planFields(input, options.instance, plans));
  else {
    for (const { warnings } of plans) writeDiagnostics(world, warnings);
    warnUnknownTag(world, plans, options.by);
    world.out.write(textOf(world, input, plans, options.by));
  }
  if (options.out !== undefined) await savePlan(world, options.out, declared, options.instance, plans);
  return options.detailedExitcode === true ? detailedCode(plans) : EXIT.Ok;
}

/** A misspelt tag would silently give no counts. */
function warnUnknownTag(world: World, plans: readonly HubPlan[], tag: string | undefined): void {
  if (tag === undefined) return;
  const devices = plans.flatMap(({ twins }) => twins.map(({ device }) => device));
  if (devices.length === 0 || countByTag(devices, tag).length > 0) return;
  const meant = closest(tag, [...new Set(devices.flatMap(({ tags }) => Object.keys(tags)))]);
  const hint = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  writeWarning(world, `No device with a twin has the tag "${tag}", so nothing is counted by it.${hint}`);
}

/** Like the exit code of `apply`: a held twin takes precedence. With `--from`, only new changes count. */
function detailedCode(plans: readonly HubPlan[]): ExitCode {
  const actions = plans.flatMap(({ twins }) => twins.filter(({ wasAskedBefore }) => wasAskedBefore !== true));
  const isHeld = actions.some(({ action }) => action.type === 'Hold');
  if (isHeld || plans.some(({ guards }) => guards?.message !== undefined)) return EXIT.Held;
  return actions.some(({ action }) => changesDevice(action)) ? EXIT.Changes : EXIT.Ok;
}

async function savePlan(
  { err }: World,
  path: string,
  { revision, partial }: Declared,
  instance: string,
  plans: readonly DocumentedPlan[],
): Promise<void> {
  const saved: SavedPlan = { revision, partial, instance, hubs: plans.map((hub) => hub.saved) };
  await writePrivate(path, documentText('SavedPlan', saved));
  const { actions } = addSummaries(plans.map(({ summary }) => summary));
  const refused = plans.reduce((sum, { guards }) => sum + (guards?.message === undefined ? 0 : guards.twins), 0);
  err.write(savedText(path, actions, refused));
}

/** `refused`: twins whose write the guards refuse now. */
function savedText(path: string, actions: HubPlan['summary']['actions'], refused: number): string {
  const saved = `Saved in ${path}: ${workText(actions)}.`;
  if (actions.Patch + actions.Create + actions.Record === 0) return `${saved}\n`;
  if (refused === 0) return `${saved} twinward apply ${path} writes exactly that, or nothing.\n`;
  return (
    `${saved} The guards refuse ${countOf(refused, 'twin')} of it, so twinward apply ${path} holds these and writes the rest, ` +
    'or nothing. An approval changes the manifests: with it, make a new plan.\n'
  );
}

function textOf(world: World, { declared, base }: PlanInput, plans: readonly HubPlan[], by?: string): string {
  const style = createStyle(world.env, world.out);
  const texts = plans.map((hub) => planText(hub, style, by));
  if (base === undefined) return texts.join('');
  const names = changedConfigurations(base.declared, declared).map(
    ({ name, change, place }) => `${name} ${place} (${change})`,
  );
  const change = names.length === 0 ? 'no configuration changes' : names.join(', ');
  const revisions = `${shortRevision(base.declared.revision)} → ${shortRevision(declared.revision)}`;
  return `${change}   ${revisions}\n${texts.join('')}`;
}

function shortRevision(revision: string): string {
  return revision.replace(/^sha1:/, '').slice(0, revision.startsWith('sha1:') ? 7 : 19);
}

interface KeptTwin {
  readonly planned: PlannedTwin;
  readonly action: TwinAction;
  readonly document: PlanEntry | undefined;
}

interface Comparison {
  readonly base: PlanInput['base'];
  readonly instance: string;
}

/** With or without documents for JSON output. */
export async function planHub(
  world: World,
  declared: Declared,
  session: HubSession,
  isDocumented: boolean,
  comparison?: Comparison,
): Promise<DocumentedPlan> {
  const { profiles } = declared;
  const { name, budget } = session.declaredHub;
  let hidden = 0;
  const attributed = attribution(session, comparison, world.clock.now());
  const planner = assumingHiddenValues(session.planner, () => {
    hidden += 1;
  });
  let work = NO_CALLS;
  const spentBefore = session.hub.messagesSpent();
  const keep = (inspected: InspectedTwin, devices: DeviceTable): KeptTwin => {
    const { action, twin } = inspected;
    work = addCalls(work, callsOf(action, twin));
    const planned = attributed.add(inspected, devices);
    const document = isDocumented ? actionDocument({ hub: name, profiles }, action, twin) : undefined;
    const isFresh = comparison?.base === undefined ? {} : { fromThisChange: planned.wasAskedBefore !== true };
    return { planned, action, document: document === undefined ? undefined : { ...document, ...isFresh } };
  };
  const inspection = await inspect(world, { ...session, planner }, keep, { lookupsMax: LOOKUPS_MAX });
  const { devices, kept, guards, notLookedUp } = inspection;
  const looked = { ...NO_CALLS, messages: session.hub.messagesSpent() - spentBefore };
  const { pending } = attributed;
  const warnings = lintSelectors(declared, name, [...devices.all()]);
  return {
    name,
    mode: session.mode,
    devices: devices.size,
    twins: kept.map(({ planned }) => planned),
    profiles: [...profiles.values()],
    summary: summarize(kept.map(({ action }) => action)),
    cost: costOf(addCalls(work, looked), { capacity: session.capacity, budget }),
    warnings,
    ...(pending === undefined ? {} : { pending }),
    ...(hidden === 0 ? {} : { hidden }),
    ...(notLookedUp === 0 ? {} : { notLookedUp }),
    guards,
    actions: kept.flatMap(({ document }) => document ?? []),
    saved: { name, hostName: session.hostName, twins: kept.flatMap(({ action }) => savedTwin(action) ?? []) },
  };
}

interface Attribution {
  /** `devices` are all of the hub. */
  add(inspected: InspectedTwin, devices: DeviceTable): PlannedTwin;
  /** Counts so far; undefined without manifests to compare with. */
  readonly pending: Pending | undefined;
}

/** Plans each twin by the earlier manifests too, and subtracts the changes that they ask for. */
function attribution(session: HubSession, comparison: Comparison | undefined, nowMs: number): Attribution {
  if (comparison?.base === undefined) {
    return { add: ({ action, device }) => ({ action, device }), pending: undefined };
  }
  const { base, instance } = comparison;
  const { declaredHub, mode, suspensions } = session;
  const hub = base.declared.hubs.find((one) => one.name === declaredHub.name) ?? declaredHub;
  const uncounted = createPlanner(base.declared, { hub, hubMode: mode, instance, suspensions });
  let before: Planner | undefined;
  const pending = { base: base.name, drift: 0, others: 0 };
  return {
    pending,
    add({ action, device, twin, ref, others }, devices) {
      before ??= uncounted.forFleet(devices.all());
      const old = before.plan(before.targetFor(device, ref.moduleId), device, twin, nowMs, others);
      const { fromThisChange, wasAskedBefore } = attribute(action, old);
      if (wasAskedBefore) pending[old.reason === 'Drift' ? 'drift' : 'others'] += 1;
      return { action: fromThisChange ?? action, device, wasAskedBefore: fromThisChange === undefined };
    },
  };
}

export function planFields({ declared, base }: PlanInput, instance: string, plans: readonly DocumentedPlan[]): object {
  const { revision, partial } = declared;
  return {
    revision,
    ...(base === undefined ? {} : { baseRevision: base.declared.revision }),
    partial,
    instance,
    hubs: plans.map(({ name, mode, devices, summary, cost, pending, hidden, notLookedUp, warnings, guards }) => ({
      name,
      mode,
      devices,
      summary,
      cost: costFields(cost),
      ...(pending === undefined ? {} : { pending }),
      ...(hidden === undefined ? {} : { hidden }),
      ...(notLookedUp === undefined ? {} : { notLookedUp }),
      ...(warnings.length === 0 ? {} : { warnings }),
      ...(guards === undefined ? {} : { guards: guardFields(guards) }),
    })),
    summary: addSummaries(plans.map(({ summary }) => summary)),
    actions: plans.flatMap(({ actions }) => actions),
  };
}

function guardFields({ checks, approval, isApproved, message, idleApproval }: GuardDecision): object {
  return {
    checks: checks.map(({ guard, count, limit, isRefused }) => ({
      guard,
      count,
      ...(limit === undefined ? {} : { limit }),
      refused: isRefused,
    })),
    ...(approval === undefined ? {} : { approval, approved: isApproved }),
    ...(message === undefined ? {} : { message }),
    ...(idleApproval === undefined ? {} : { idleApproval }),
  };
}

function costFields({ pace, ...work }: Cost): object {
  if (pace === undefined) return work;
  const figures = Object.entries(pace).map(([name, figure]: [string, number]) => [name, Number(figure.toFixed(3))]);
  return { ...work, ...(Object.fromEntries(figures) as object) };
}
