// Guards: what of a whole pass is refused until a person says otherwise. Facts in, refusals out; nothing is read here.
import {
  APPROVE_ANNOTATION,
  type Approval,
  type DeclaredGuards,
  type DeclaredHub,
  type Limit,
} from '../../model/declared.ts';
import { digestJson } from '../../model/digest.ts';
import { GUARDS, type Guard } from '../../model/guard.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import { RISK } from './risk.ts';

/** Twins that would be written alike and that carry the same risks. */
export interface RiskGroup {
  /** Bits of RISK. */
  readonly risks: number;
  /** The digest of what would be written, whatever it replaces and wherever. */
  readonly shape: string;
  readonly twins: number;
}

/** What one complete pass over a hub counted. */
export interface PassFacts {
  /** Listed, and as the hub's own statistics count them; undefined where they were not read. */
  readonly devices: number;
  readonly devicesCounted: number | undefined;
  /** Configurations that the records on twins name. */
  readonly owners: number;
  /** Those of them that the source does not hold, sorted. */
  readonly ownersMissing: readonly string[];
  readonly groups: readonly RiskGroup[];
}

/** One guard as it stands, for people. */
interface GuardCheck {
  readonly guard: Guard;
  /** Twins; for SourceShrunk configurations, for ListShort devices that are missing. */
  readonly count: number;
  /** The most that passes; undefined where nothing limits it. */
  readonly limit: number | undefined;
  readonly isRefused: boolean;
}

export interface GuardDecision {
  readonly checks: readonly GuardCheck[];
  /** Guards that refuse, approved or not. */
  readonly refusedBy: readonly Guard[];
  /** Shapes of the refused changes, sorted, and the twins they reach. */
  readonly shapes: readonly string[];
  readonly twins: number;
  /** `FINGERPRINT@COUNT`: what a person writes to approve; undefined where nothing is refused. */
  readonly approval: string | undefined;
  readonly isApproved: boolean;
  /** Bits of RISK that no write may carry now: 0 where nothing is refused or all of it is approved. */
  readonly refusedRisks: number;
  /** What is too much, and what would release it; undefined where nothing is held back. */
  readonly message: string | undefined;
  /** That the Hub has an approval which does nothing, as nothing is refused; what else is wrong with one is in `message`. */
  readonly idleApproval: string | undefined;
}

/** A list that lacks more of the devices that the hub counts is no reason to remove anything. */
const UNLISTED_SHARE_MAX = 0.1;
/** So many missing configurations, and this share of those that twins know, are no ordinary edit. */
const OWNERS_MISSING_MIN = 2;
const OWNERS_MISSING_SHARE = 0.5;

const REFUSED: Readonly<Record<Guard, number>> = {
  SourceShrunk: RISK.orphans,
  ListShort: RISK.removes | RISK.departs | RISK.orphans,
  TooManyChanged: RISK.changes,
  TooManyRemoved: RISK.removes,
  TooManyUnassigned: RISK.departs,
  TooManyCreated: RISK.creates,
};

/** Where a Hub says how much passes; the guards that are not here are always there. */
export const LIMIT_OF: Readonly<Partial<Record<Guard, keyof DeclaredGuards>>> = {
  TooManyChanged: 'maxChanged',
  TooManyRemoved: 'maxRemoved',
  TooManyUnassigned: 'maxUnassigned',
  TooManyCreated: 'maxCreated',
};

/** Risks for which it matters whether the list of devices is whole. */
export const RISKS_OF_SHORT_LIST = REFUSED.ListShort;

/** Those that can refuse a write with these bits of RISK; whether they do depends on the whole hub. */
export function guardsOver(risks: number, guards: DeclaredGuards): readonly Guard[] {
  return GUARDS.filter((guard) => (REFUSED[guard] & risks) !== 0 && isInForce(guard, guards));
}

/** Risks that some guard of the hub can refuse: writes that carry none of them need not wait for the end of a pass. */
export function guardedRisks(guards: DeclaredGuards): number {
  return GUARDS.filter((guard) => isInForce(guard, guards)).reduce((risks, guard) => risks | REFUSED[guard], 0);
}

function isInForce(guard: Guard, guards: DeclaredGuards): boolean {
  return LIMIT_OF[guard] === undefined || limitOf(guard, guards) !== undefined;
}

/** Undefined where the Hub sets none, and of the guards that have none. */
export function limitOf(guard: Guard, guards: DeclaredGuards): Limit | undefined {
  const name = LIMIT_OF[guard];
  return name === undefined ? undefined : guards[name];
}

export function decideGuards(
  facts: PassFacts,
  { name, guards, approval }: Pick<DeclaredHub, 'name' | 'guards' | 'approval'>,
  earlier?: EarlierApproval,
): GuardDecision {
  const checks = checkAll(facts, guards);
  const refusedBy = checks.filter(({ isRefused }) => isRefused).map(({ guard }) => guard);
  const risks = refusedBy.reduce((all, guard) => all | REFUSED[guard], 0);
  const refused = facts.groups.filter((group) => (group.risks & risks) !== 0);
  const twins = countOf(refused);
  const shapes = [...new Set(refused.map(({ shape }) => shape))].toSorted();
  if (twins === 0) {
    const message = textOf(facts, checks, undefined);
    const idleApproval = approval && idleText(approval, name);
    return { ...NOTHING_REFUSED, checks, refusedBy, refusedRisks: risks, message, idleApproval };
  }
  const fingerprint = digestJson(shapes);
  const wanted = `${fingerprint}@${twins}`;
  const isForThis = isSame(approval, fingerprint, shapes, earlier);
  const isApproved = isForThis && twins <= (approval?.count ?? -1);
  const other = approval && otherText(approval, isForThis);
  const release = `Hub "${name}" approves it with the annotation ${APPROVE_ANNOTATION}: ${wanted}.`;
  return {
    checks,
    refusedBy,
    shapes,
    twins,
    approval: wanted,
    isApproved,
    refusedRisks: isApproved ? 0 : risks,
    message: isApproved ? undefined : textOf(facts, checks, other === undefined ? release : `${release} ${other}`),
    idleApproval: undefined,
  };
}

const NOTHING_REFUSED = { shapes: [], twins: 0, approval: undefined, isApproved: false } as const;

function idleText({ fingerprint, count }: Approval, hubName: string): string {
  const what = `The approval ${fingerprint}@${count} of Hub "${hubName}" does nothing now, as no change is refused`;
  return `${what}: remove it once its change is written.`;
}

/** Why the approval that is there is none for what is refused. */
function otherText({ fingerprint, count }: Approval, isForThis: boolean): string {
  const what = isForThis ? `${count} twins of it at most` : 'another change';
  return `The one it has, ${fingerprint}@${count}, is for ${what}.`;
}

/** An approval goes on for what is left of it. */
function isSame(
  approval: Approval | undefined,
  fingerprint: string,
  shapes: readonly string[],
  earlier: EarlierApproval | undefined,
): boolean {
  if (approval?.fingerprint === fingerprint) return true;
  if (earlier === undefined || approval?.fingerprint !== earlier.fingerprint) return false;
  return shapes.every((shape) => earlier.shapes.includes(shape));
}

function checkAll(facts: PassFacts, guards: DeclaredGuards): GuardCheck[] {
  const { devices, devicesCounted, owners, ownersMissing, groups } = facts;
  const twinsAt = (risk: number): number => countOf(groups.filter(({ risks }) => (risks & risk) !== 0));
  const limited = (guard: Guard): GuardCheck => {
    const count = twinsAt(REFUSED[guard]);
    const limit = limitOf(guard, guards);
    const most = limit === undefined ? undefined : mostOf(limit, devices);
    return { guard, count, limit: most, isRefused: most !== undefined && count > most };
  };
  const missing = ownersMissing.length;
  const missingMost = Math.max(OWNERS_MISSING_MIN, Math.ceil(owners * OWNERS_MISSING_SHARE)) - 1;
  const unlisted = devicesCounted === undefined ? 0 : Math.max(0, devicesCounted - devices);
  const unlistedMost = devicesCounted === undefined ? undefined : Math.floor(devicesCounted * UNLISTED_SHARE_MAX);
  return [
    { guard: 'SourceShrunk', count: missing, limit: missingMost, isRefused: missing > missingMost },
    {
      guard: 'ListShort',
      count: unlisted,
      limit: unlistedMost,
      isRefused: unlistedMost !== undefined && unlisted > unlistedMost,
    },
    limited('TooManyChanged'),
    limited('TooManyRemoved'),
    limited('TooManyUnassigned'),
    limited('TooManyCreated'),
  ];
}

/** Shares are whole percents: 7 % of 100 is 7, which no product of fractions says. */
function mostOf(limit: Limit, devices: number): number {
  return 'count' in limit ? limit.count : Math.ceil((Math.round(limit.share * 100) * devices) / 100);
}

const NAMES_SHOWN_MAX = 3;

/** Undefined where no guard refuses. */
function textOf(facts: PassFacts, checks: readonly GuardCheck[], release: string | undefined): string | undefined {
  const refused = checks.filter(({ isRefused }) => isRefused);
  if (refused.length === 0) return undefined;
  const sentences = refused.map((check) => sentenceOf(check, facts));
  return [...(release === undefined ? [] : [release]), ...sentences].join(' ');
}

function sentenceOf(
  { guard, count, limit = 0 }: GuardCheck,
  { devicesCounted, owners, ownersMissing }: PassFacts,
): string {
  switch (guard) {
    case 'SourceShrunk': {
      const names = ownersMissing.slice(0, NAMES_SHOWN_MAX).join(', ');
      const more = count > NAMES_SHOWN_MAX ? ` and ${count - NAMES_SHOWN_MAX} more` : '';
      return `SourceShrunk: ${count} of the ${owners} configurations on twins are missing from the source (${names}${more}); is a part of it lost? Then put it back.`;
    }
    case 'ListShort':
      return `ListShort: the hub counts ${devicesCounted ?? 0} devices and lists ${count} fewer; nothing is removed until it lists them.`;
    case 'TooManyChanged':
      return `TooManyChanged: ${count} twins would change, and maxChanged allows ${limit}.`;
    case 'TooManyRemoved':
      return `TooManyRemoved: ${count} twins would lose settings, and maxRemoved allows ${limit}.`;
    case 'TooManyUnassigned':
      return `TooManyUnassigned: ${count} twins are left by a configuration, and maxUnassigned allows ${limit}.`;
    case 'TooManyCreated':
      return `TooManyCreated: ${count} modules would be created, and maxCreated allows ${limit}.`;
  }
}

function countOf(groups: readonly RiskGroup[]): number {
  return groups.reduce((sum, { twins }) => sum + twins, 0);
}
