// A plan as text: removals first, then changes, folded into shapes, with counts that add up.
import type { Cost } from '../../controller/budget/cost.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import type { ActionType, SettingChange } from '../../model/action.ts';
import type { Profile } from '../../model/profile.ts';
import { agentDefault, wholeSections } from '../../plan/explain/agent-notes.ts';
import { shortValue, signOf, valuesText, type ChangeSign } from '../../plan/report/change-text.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import { countByTag, foldShapes, removes, tellingTag, type PlannedTwin, type Shape } from '../../plan/report/shapes.ts';
import type { PlanSummary } from '../../plan/report/summary.ts';
import { guardsText } from './guards-text.ts';
import { costText } from './cost-text.ts';
import type { Paint, Style } from './style.ts';
import { countOf, formatCount } from './table.ts';

export interface HubPlan {
  readonly name: string;
  readonly mode: string;
  readonly devices: number;
  readonly twins: readonly PlannedTwin[];
  /** The profiles of the manifests: their facts about agents appear next to the changes. */
  readonly profiles: readonly Profile[];
  readonly summary: PlanSummary;
  /** Of writing everything, this listing included. */
  readonly cost: Cost;
  /** Twins that the earlier manifests would change too, by cause; undefined without a comparison. */
  readonly pending?: Pending;
  /** Settings that a snapshot hides, assumed to be as declared. */
  readonly hidden?: number;
  /** First writes to modules of edge devices that deployments may manage. */
  readonly notLookedUp?: number;
  /** Warnings about selectors on this fleet. */
  readonly warnings: readonly Diagnostic[];
  /** The guards' verdict on a pass that writes this plan; undefined if not evaluated. */
  readonly guards?: GuardDecision;
}

export interface Pending {
  /** Name of the earlier manifests, as given. */
  readonly base: string;
  readonly drift: number;
  readonly others: number;
}

const NAMES_SHOWN_MAX = 3;

interface Section {
  readonly title: string;
  readonly type: ActionType;
  /** If it shows only some shapes of the type. */
  readonly takes?: (shape: Shape) => boolean;
}

const isDrift = ({ reason }: Pick<Shape, 'reason'>): boolean => reason === 'Drift';

/** Twins in no section, the equal and the skipped, are only counted. */
const SECTIONS: readonly Section[] = [
  { title: 'REMOVES', type: 'Patch', takes: removes },
  { title: 'CHANGES', type: 'Patch', takes: (shape) => !removes(shape) && !isDrift(shape) },
  {
    title: 'DRIFT to correct: another writer changed it',
    type: 'Patch',
    takes: (shape) => !removes(shape) && isDrift(shape),
  },
  { title: 'CREATES', type: 'Create' },
  { title: 'HELD', type: 'Hold' },
  { title: 'OBSERVED, not written', type: 'Observe' },
  { title: 'RECORDS, no setting changes', type: 'Record' },
  { title: 'KEPT', type: 'Keep' },
  { title: 'WAITING for their module', type: 'Wait' },
];

const SHOWN: ReadonlySet<ActionType> = new Set(SECTIONS.map(({ type }) => type));

/** `tag`: the device tag to count devices by. */
export function planText(plan: HubPlan, style: Style, tag?: string): string {
  const { name, mode, devices, twins, summary, profiles } = plan;
  const different = twins.filter(({ action, wasAskedBefore }) => wasAskedBefore !== true && SHOWN.has(action.type));
  const all = foldShapes(different);
  const counted = all.map((shape) => shape.devices).filter((shapeDevices) => shapeDevices.length > NAMES_SHOWN_MAX);
  const by = tag ?? tellingTag(counted);
  let number = 0;
  const observing = mode === 'Observe' ? '   mode Observe: nothing is written until the Hub says Enforce' : '';
  const lines = [`${style.bold(name)}   ${countOf(devices, 'device')}, ${countOf(summary.twins, 'twin')}${observing}`];
  for (const { title, type, takes = () => true } of SECTIONS) {
    const shapes = all.filter((shape) => shape.type === type && takes(shape));
    if (shapes.length > 0) lines.push(style.bold(title));
    for (const shape of shapes) {
      number += 1;
      lines.push(...shapeLines(shape, number, by, style, profiles));
    }
  }
  lines.push(
    '',
    countsLine(summary),
    ...sentText(plan),
    ...pendingText(plan),
    ...hiddenText(plan),
    ...notLookedUpText(plan),
    ...costText(plan.cost, style),
    ...guardLines(plan, style),
  );
  return `${lines.join('\n')}\n`;
}

/** A small change needs a large message if the agent would reset omitted settings. */
function sentText({ twins, profiles }: HubPlan): string[] {
  const actions = twins.filter(({ wasAskedBefore }) => wasAskedBefore !== true).map(({ action }) => action);
  return wholeSections(actions, profiles).map(({ moduleId, fewest, most }) => {
    const count = fewest === most ? countOf(most, 'setting') : `${fewest} to ${countOf(most, 'setting')}`;
    return `Sent     to ${moduleId} the whole section, ${count}: the agent may reset settings that a smaller patch omits`;
  });
}

/** Without a comparison, only drift can be distinguished from changes of the manifests. */
function pendingText({ pending, summary }: HubPlan): string[] {
  if (pending === undefined) {
    const twins = summary.reasons['Patch/Drift'] ?? 0;
    return twins === 0 ? [] : [`Drift    ${countOf(twins, 'twin')} to correct, changed by another writer`];
  }
  const { base, drift, others } = pending;
  const terms = [
    ...(drift === 0 ? [] : [countOf(drift, 'drift correction')]),
    ...(others === 0 ? [] : [countOf(others, 'other twin')]),
  ];
  return terms.length === 0 ? [] : [`Not from this change: ${terms.join(' and ')}, pending with ${base} too`];
}

/** Without writes there is nothing to guard. */
function guardLines({ guards, devices, mode }: HubPlan, style: Style): string[] {
  if (guards === undefined) return [];
  if (mode !== 'Observe') return guardsText(guards, devices, style);
  return guards.idleApproval === undefined ? [] : [`${style.dim('Guards'.padEnd(8))} ${guards.idleApproval}`];
}

function hiddenText({ hidden = 0 }: HubPlan): string[] {
  if (hidden === 0) return [];
  return [`Not known: ${countOf(hidden, 'sensitive setting')} that the snapshot hides; assumed to be as declared`];
}

function notLookedUpText({ notLookedUp = 0 }: HubPlan): string[] {
  if (notLookedUp === 0) return [];
  const modules = countOf(notLookedUp, 'module');
  return [`Not looked up: whether IoT Edge manages ${modules} of edge devices; what it manages will be held`];
}

function shapeLines(
  shape: Shape,
  number: number,
  tag: string | undefined,
  style: Style,
  profiles: readonly Profile[],
): string[] {
  const { devices, moduleId, reason, message, changes } = shape;
  const where = whereText(shape, tag);
  const what = `  shape ${number}  ${countOf(devices.length, 'twin')}  ${moduleId}  ${style.dim(reason)}`;
  const nameWidth = Math.max(0, ...changes.map(({ name }) => name.length));
  return [
    where === '' ? what : `${what}  ${where}`,
    ...(message === undefined ? [] : [`    ${message}`]),
    ...changes.map((change) => {
      const fallback = change.after === undefined ? agentDefault(profiles, moduleId, change.name) : undefined;
      const note = fallback === undefined ? '' : style.dim(`   the agent falls back to ${shortValue(fallback)}`);
      return `    ${changeText(change, nameWidth, style)}${note}`;
    }),
  ];
}

/** `lyon 861, gdansk 791`, or the names if there are few. */
function whereText({ devices }: Shape, tag: string | undefined): string {
  if (devices.length <= NAMES_SHOWN_MAX) return devices.map(({ deviceId }) => deviceId).join(', ');
  if (tag === undefined) return '';
  const counts = countByTag(devices, tag).map(([value, count]) => `${value} ${formatCount(count)}`);
  return counts.length === 0 ? '' : `${tag}: ${counts.join(', ')}`;
}

function changeText(change: SettingChange, width: number, style: Style): string {
  const sign = signOf(change);
  return `${paintOf(sign, style)(`${sign} ${change.name.padEnd(width)}`)}  ${valuesText(change)}`;
}

function paintOf(sign: ChangeSign, style: Style): Paint {
  return sign === '-' ? style.red : sign === '+' ? style.green : style.yellow;
}

const COUNT_WORDS: readonly (readonly [ActionType, string])[] = [
  ['Patch', 'to change'],
  ['Create', 'to create'],
  ['Record', 'to record'],
  ['Equal', 'equal'],
  ['Observe', 'observed'],
  ['Hold', 'held'],
  ['Keep', 'kept'],
  ['Wait', 'waiting for a module'],
];

/** `412 twins = 300 to change + 88 equal + 24 to record`. Missing modules that are not required are not twins. */
export function countsLine({ twins, actions }: PlanSummary): string {
  const terms = COUNT_WORDS.filter(([type]) => actions[type] > 0).map(
    ([type, words]) => `${formatCount(actions[type])} ${words}`,
  );
  const sum = [countOf(twins, 'twin'), ...(terms.length === 0 ? [] : [terms.join(' + ')])].join(' = ');
  return actions.Skip === 0 ? sum : `${sum}     ${countOf(actions.Skip, 'missing module')}, not required`;
}

/** `20 twins to change, 3 modules to create, 5 records to write`: three things that are never added up. */
export function workText({
  Patch,
  Create,
  Record,
}: Pick<PlanSummary['actions'], 'Patch' | 'Create' | 'Record'>): string {
  const terms = [
    ...(Patch === 0 ? [] : [`${countOf(Patch, 'twin')} to change`]),
    ...(Create === 0 ? [] : [`${countOf(Create, 'module')} to create`]),
    ...(Record === 0 ? [] : [`${countOf(Record, 'record')} to write`]),
  ];
  return terms.length === 0 ? 'nothing to write' : terms.join(', ');
}
