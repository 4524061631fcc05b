// `twinward apply FILE`: writes exactly a saved plan, if its twins are unchanged; else nothing.
import { keyOf } from '../../model/twin-key.ts';
import type { Declared } from '../../model/declared.ts';
import {
  asPlanned,
  isDone,
  readSavedPlan,
  staleness,
  type SavedHub,
  type SavedPlan,
  type SavedTwin,
} from '../../plan/report/saved-plan.ts';
import { writes } from '../../model/action.ts';
import type { WaitChoice } from '../input/wait-choice.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { inspect, LOOKUPS_MAX, withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { readText } from '../input/private-file.ts';
import { writeDocument, type Format } from '../render/report.ts';
import { countOf, firstLines } from '../render/table.ts';
import { SCHEMA_VERSION } from '../../model/schema-version.ts';
import type { World } from '../world.ts';
import { appliedText, applyFields, applyHub, codeOf as codeOfApplied, type AppliedHub } from './apply.ts';

export interface ApplyPlanOptions extends SourceOptions, HubChoice, WaitChoice {
  readonly output: Format;
  /** A file written by `plan --out`. */
  readonly plan: string;
  /** Apply to unchanged twins, and leave the rest. */
  readonly partial?: boolean;
  /** Takes the lease from its holder. */
  readonly force?: boolean;
}

/** Does not ask: the plan was reviewed when it was made. */
export async function applyPlan(world: World, options: ApplyPlanOptions): Promise<ExitCode> {
  const saved = await readPlanFile(options.plan);
  const declared = await readDeclared(world, options, options.output);
  requireSame(saved, declared, options);
  const hubs = saved.hubs.filter(({ name }) => options.hub === undefined || options.hub === name);
  const checked = await checkAll(world, declared, hubs, options);
  const sum = (countIn: (hub: CheckedHub) => number): number => checked.reduce((all, hub) => all + countIn(hub), 0);
  const planned = hubs.reduce((all, { twins }) => all + twins.length, 0);
  const stale = sum((hub) => hub.stale.length);
  const done = sum((hub) => hub.done);
  const others = sum((hub) => hub.others);
  if (done > 0 && done < planned) world.err.write(`${done} of ${countOf(planned, 'planned twin')} are done already.\n`);
  if (stale > 0) reportStale(world, checked, stale, planned, options.partial === true);
  if (others > 0) world.err.write(`${countOf(others, 'twin')} outside the plan would be written too; left alone.\n`);
  const applied: AppliedHub[] = [];
  for (const { name, fresh } of checked) {
    if (fresh.size === 0) continue;
    await withHubs(world, declared, { ...options, hub: name }, async (session) => {
      const planner = asPlanned(session.planner, fresh, keyOf);
      const select = ({ deviceId, moduleId }: { deviceId: string; moduleId: string }): boolean =>
        fresh.has(keyOf(deviceId, moduleId));
      applied.push(await applyHub(world, declared, { ...session, planner }, options, { select }));
    });
  }
  if (options.output === 'json') {
    const fields = applyFields(declared, options.instance, applied);
    writeDocument(world, 'Apply', { ...fields, done, stale: staleFields(checked) });
  } else if (applied.length === 0) {
    world.out.write(done === planned ? doneText(done) : 'Nothing was left to write.\n');
  } else {
    for (const hub of applied) world.out.write(appliedText(hub));
  }
  return codeOf(world, applied, stale);
}

function doneText(twins: number): string {
  if (twins === 0) return 'The plan has nothing to write.\n';
  return `Everything in the plan is done already: ${countOf(twins, 'twin')} as planned, and nothing was written.\n`;
}

async function readPlanFile(path: string): Promise<SavedPlan> {
  const text = await readText(path);
  const value = parse(text);
  const { schemaVersion, kind } = (value ?? {}) as Record<string, unknown>;
  const saved = kind === 'SavedPlan' && schemaVersion === SCHEMA_VERSION ? readSavedPlan(value) : undefined;
  if (saved !== undefined) return saved;
  throw new CliFailure(
    EXIT.Failed,
    `${path} is not a plan of this version of Twinward.`,
    'Create one with `twinward plan --out FILE`; give manifests with -f.',
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const NEW_PLAN = 'Make a new plan with twinward plan --out FILE';

function requireSame(saved: SavedPlan, declared: Declared, { instance }: HubChoice): void {
  if (saved.instance !== instance) {
    throw new CliFailure(
      EXIT.Failed,
      `The plan is for the instance "${saved.instance}", this is "${instance}".`,
      `Say --instance ${saved.instance}.`,
    );
  }
  if (saved.revision === declared.revision && saved.partial === declared.partial) return;
  const now = saved.revision === declared.revision ? 'given in part' : `at ${declared.revision}`;
  const then = saved.revision === declared.revision ? 'in another way (--whole)' : `at ${saved.revision}`;
  throw new CliFailure(
    EXIT.Stale,
    `The manifests are ${now}; the plan was made with them ${then}. Nothing was written.`,
    `${NEW_PLAN}, or give the manifests that it was made with.`,
  );
}

interface CheckedHub {
  readonly name: string;
  readonly fresh: ReadonlyMap<string, SavedTwin>;
  /** Twins that already are as planned. */
  readonly done: number;
  readonly stale: readonly { readonly twin: SavedTwin; readonly why: string }[];
  /** Twins that differ now and are not in the plan. */
  readonly others: number;
}

/** Checks all hubs before anything is written to any. */
async function checkAll(
  world: World,
  declared: Declared,
  hubs: readonly SavedHub[],
  choice: HubChoice,
): Promise<CheckedHub[]> {
  const checked: CheckedHub[] = [];
  for (const hub of hubs) {
    await withHubs(world, declared, { ...choice, hub: hub.name }, async (session) => {
      if (session.hostName !== hub.hostName) {
        const message = `The plan is for ${hub.hostName}, and hub ${hub.name} is ${session.hostName} now.`;
        throw new CliFailure(EXIT.Stale, `${message} Nothing was written.`, `${NEW_PLAN}.`);
      }
      checked.push(await check(world, session, hub));
    });
  }
  return checked;
}

async function check(world: World, session: HubSession, { name, twins }: SavedHub): Promise<CheckedHub> {
  const { kept } = await inspect(
    world,
    session,
    ({ ref, action, twin }) => [keyOf(ref.deviceId, ref.moduleId), { action, etag: twin?.etag }] as const,
    { lookupsMax: LOOKUPS_MAX },
  );
  const now = new Map(kept);
  const fresh = new Map<string, SavedTwin>();
  const stale: { twin: SavedTwin; why: string }[] = [];
  let done = 0;
  for (const twin of twins) {
    const key = keyOf(twin.deviceId, twin.moduleId);
    const found = now.get(key);
    const why = staleness(twin, found?.action, found?.etag);
    if (why === undefined) fresh.set(key, twin);
    else if (isDone(twin, found?.action)) done += 1;
    else stale.push({ twin, why });
    now.delete(key);
  }
  return { name, fresh, done, stale, others: [...now.values()].filter(({ action }) => writes(action)).length };
}

/** Fails unless the rest should be written. */
function reportStale(
  world: World,
  checked: readonly CheckedHub[],
  count: number,
  planned: number,
  isPartial: boolean,
): void {
  const lines = checked.flatMap(({ stale }) =>
    stale.map(({ twin: { deviceId, moduleId }, why }) => `  ${deviceId}/${moduleId}  ${why}`),
  );
  const head = `${count} of ${countOf(planned, 'planned twin')} went stale:`;
  world.err.write(`${[head, ...firstLines(lines)].join('\n')}\n`);
  if (isPartial) return;
  throw new CliFailure(
    EXIT.Stale,
    'The plan is stale, and nothing was written.',
    `${NEW_PLAN}, or write the others with --partial.`,
  );
}

function staleFields(checked: readonly CheckedHub[]): object[] {
  return checked.flatMap(({ name, stale }) =>
    stale.map(({ twin: { deviceId, moduleId }, why }) => ({ hub: name, deviceId, moduleId, why })),
  );
}

function codeOf(world: World, applied: readonly AppliedHub[], stale: number): ExitCode {
  if (world.interrupted.aborted) return EXIT.Interrupted;
  const reports = applied.map(({ report }) => report);
  const code = codeOfApplied(applied);
  if (code !== EXIT.Ok && code !== EXIT.Held) return code;
  const wentStale = reports.some(({ results }) => results.some(({ action }) => action?.reason === 'PlanStale'));
  return stale > 0 || wentStale ? EXIT.Stale : code;
}
