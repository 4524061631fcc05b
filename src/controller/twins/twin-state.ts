// What is last known of one module twin: what to do with it, what its agent says, what failed.
import type { HubErrorCode } from '../../model/errors.ts';
import { getPath, liesIn, type Json } from '../../model/json.ts';
import type { Acknowledgement, AcknowledgementState, Twin } from '../../model/twin.ts';
import {
  changesOf,
  type ActionReason,
  type ActionType,
  type SettingChange,
  type TwinAction,
} from '../../model/action.ts';
import type { Owner } from '../../model/owner.ts';
import { clip } from '../../model/text.ts';
import { isMet } from '../../plan/twin/changes.ts';
import { REDACTED } from '../../plan/report/redaction.ts';
import type { Target } from '../../plan/target/target.ts';
import { readAcknowledgement } from '../../profile/acknowledgement.ts';

export interface TwinState {
  readonly type: ActionType;
  readonly reason: ActionReason;
  /** Who decides about the twin. */
  readonly owners: readonly Owner[];
  /** Another writer changed a setting that is owned. */
  readonly isDrifted: boolean;
  /** Only where the type is Equal. */
  readonly acknowledgement: AcknowledgementState | undefined;
  /** The agent's own words and the settings it means, or why the twin is held; clipped. */
  readonly detail: string | undefined;
  /** Why the last attempt failed; undefined after one that did not. */
  readonly failure: Failure | undefined;
}

export type Failure = HubErrorCode | 'UnexpectedAnswer' | 'Bug';

/** Of an agent's words, whatever it reports. */
const WORDS_LENGTH_MAX = 200;
/** Of all that is told of one twin: each twin's is kept. */
const DETAIL_LENGTH_MAX = 500;
const KEYS_SHOWN_MAX = 5;

/** Undefined where nothing is declared and nothing is owned: such a twin is none of our business. */
export function stateOf(
  action: TwinAction,
  target: Target,
  twin: Twin | undefined,
  nowMs: number,
): TwinState | undefined {
  if (action.type !== 'Equal') return toState(action, undefined, action.message);
  if (target.layers.length === 0 || twin === undefined) return undefined;
  const acknowledgement = acknowledgementOf(target, twin, nowMs);
  const words = acknowledgement.detail;
  const detail = words === undefined ? undefined : withoutSecrets(words, target, twin);
  return toState(action, acknowledgement.state, action.message ?? wordsOf({ ...acknowledgement, detail }));
}

/** Agents that give a reason mostly name the settings themselves. */
function wordsOf({ keys, detail, foreign }: Acknowledgement): string | undefined {
  if (foreign.length > 0) {
    const names = foreign.slice(0, KEYS_SHOWN_MAX).join(', ');
    return `the agent refuses what another writer put beside our settings: ${names}`;
  }
  const unnamed = keys.filter((key) => detail?.includes(key) !== true).slice(0, KEYS_SHOWN_MAX);
  const words = [unnamed.join(', '), detail ?? ''].filter((text) => text !== '').join(': ');
  return words === '' ? undefined : clip(words, WORDS_LENGTH_MAX);
}

/** Shorter texts would take words apart that have nothing to do with them. */
const SECRET_LENGTH_MIN = 4;

/** Agents may repeat what they were sent. */
function withoutSecrets(words: string, { atoms, observedAtoms }: Target, { properties }: Twin): string {
  const secrets = [...atoms, ...observedAtoms]
    .filter(({ atom }) => atom.sensitive)
    .flatMap(({ atom }) => [...textsIn(atom.plain), ...textsIn(getPath(properties.desired, atom.path))])
    .filter((text) => text.length >= SECRET_LENGTH_MIN)
    .toSorted((a, b) => b.length - a.length);
  return secrets.reduce((text, secret) => text.replaceAll(secret, REDACTED), words);
}

function textsIn(value: Json | undefined): string[] {
  if (value === undefined || value === null) return [];
  return typeof value === 'object' ? Object.values(value).flatMap(textsIn) : [String(value)];
}

function toState(
  action: TwinAction,
  acknowledgement: AcknowledgementState | undefined,
  detail: string | undefined,
): TwinState {
  const { type, reason, owners, observed } = action;
  const isDrifted = changesOf(action).some(isDrift) || observed.some(isDrift);
  const clipped = detail && clip(detail, DETAIL_LENGTH_MAX);
  return { type, reason, owners, isDrifted, acknowledgement, detail: clipped, failure: undefined };
}

function isDrift({ cause }: SettingChange): boolean {
  return cause === 'Drift';
}

/** The state of a twin whose write the gates hold, before it is read directly. */
export function refusedState(before: TwinState | undefined, message: string | undefined): TwinState {
  const { owners = [], isDrifted = false } = before ?? {};
  const held = { type: 'Hold', reason: 'GuardRefused', acknowledgement: undefined, failure: undefined } as const;
  return { ...held, owners, isDrifted, detail: message };
}

/** The worst that is said through any of the profiles. */
const WORST_FIRST: readonly AcknowledgementState[] = [
  'Rejected',
  'Unsupported',
  'NotAcknowledged',
  'Unreachable',
  'Written',
  'Applied',
];

const NOTHING_TO_SAY: Acknowledgement = { state: 'Written', keys: [], detail: undefined, foreign: [] };

/** Asks about the settings that live has as we want them: about others the agent has nothing of ours to say. */
function acknowledgementOf(target: Target, twin: Twin, nowMs: number): Acknowledgement {
  const atoms = [...target.atoms, ...target.observedAtoms]
    .map(({ atom }) => atom)
    .filter((atom) => atom.policy === 'Override' && isMet(atom, twin.properties.desired));
  const answers = target.profiles
    .map((profile) => ({
      profile,
      atoms: atoms.filter(({ path }) => liesIn(profile.section, path)),
    }))
    .filter((question) => question.atoms.length > 0)
    .map((question) => readAcknowledgement(question.profile, question.atoms, twin, nowMs));
  return answers.toSorted((a, b) => badness(a) - badness(b))[0] ?? NOTHING_TO_SAY;
}

function badness({ state }: Acknowledgement): number {
  return WORST_FIRST.indexOf(state);
}
