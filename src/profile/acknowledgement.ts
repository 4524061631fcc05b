// Acknowledgements: interprets the reported properties of a twin for each kind of agent.
import { escapeSegment, getKey, getPath, isObject, liesIn, setKey, type Json, type JsonObject } from '../model/json.ts';
import type { Atom, Profile } from '../model/profile.ts';
import type { Acknowledgement, AcknowledgementState, Twin } from '../model/twin.ts';
import { isEnvelopeKey } from './encode.ts';
import { listItems, reportsSame, sameValue } from './meaning.ts';
import { compileSchema } from './schema-compiler.ts';
import { unknownSetting } from './settings.ts';

/** Silent for this long while connected counts as NotAcknowledged; the slowest known agent answers within minutes. */
export const SILENCE_MS = 10 * 60 * 1_000;

type Reading = (profile: Profile, atoms: readonly Atom[], twin: Twin) => Answer;

/** `Pending`: no answer to the last write yet. `Never`: this agent never answers. */
interface Answer {
  readonly state: 'Applied' | 'Rejected' | 'Unsupported' | 'Pending' | 'InProgress' | 'Never';
  readonly keys: readonly string[];
  readonly detail: string | undefined;
  readonly foreign: readonly string[];
}

const READINGS: Readonly<Record<Profile['acknowledgement']['type'], Reading>> = {
  None: () => answer('Never'),
  Mirror: readMirror,
  LatestState: readLatestState,
  Pnp: readPnp,
};

/** `atoms` are our settings on this twin. Never throws, whatever devices report. */
export function readAcknowledgement(
  profile: Profile,
  atoms: readonly Atom[],
  twin: Twin,
  nowMs: number,
): Acknowledgement {
  const { state, ...words } = READINGS[profile.acknowledgement.type](profile, atoms, twin);
  if (state === 'Never' || state === 'InProgress') return { state: 'Written', ...words };
  return state === 'Pending' ? pending(profile, atoms, twin, nowMs, words) : { state, ...words };
}

/** An agent may stay silent when it can't parse the settings (the C# agent). */
function pending(
  profile: Profile,
  atoms: readonly Atom[],
  twin: Twin,
  nowMs: number,
  words: Omit<Acknowledgement, 'state'>,
): Acknowledgement {
  const state = pendingState(profile, twin, nowMs);
  const isMirror = profile.acknowledgement.type === 'Mirror';
  return {
    state,
    ...words,
    foreign: state === 'NotAcknowledged' && isMirror ? illegalOfOthers(profile, atoms, twin) : [],
  };
}

function pendingState(profile: Profile, twin: Twin, nowMs: number): AcknowledgementState {
  if (twin.connectionState !== 'Connected') return 'Unreachable';
  const written = lastUpdated(twin.properties.desired, profile.section);
  const isSilent = written !== undefined && nowMs - Date.parse(written) > SILENCE_MS;
  return isSilent ? 'NotAcknowledged' : 'Written';
}

/** The agent reports its effective configuration in its own spelling (both legacy agents). */
function readMirror(profile: Profile, atoms: readonly Atom[], twin: Twin): Answer {
  const { desired, reported } = twin.properties;
  if (!isFresh(lastUpdated(reported, profile.section), lastUpdated(desired, profile.section))) return answer('Pending');
  const missing: string[] = [];
  const different: string[] = [];
  for (const atom of atoms) {
    const value = getPath(reported, atom.path);
    if (value === undefined) missing.push(atom.name);
    else if (!reportsSame(atom, value)) different.push(atom.name);
  }
  // After a refusal, values that look right may be left over from an earlier report.
  const error = getPath(reported, [...profile.section, 'lastError']);
  const detail = typeof error === 'string' && error !== '' ? error : undefined;
  if (different.length > 0 || detail !== undefined) {
    return answer('Rejected', different, detail, illegalOfOthers(profile, atoms, twin));
  }
  return missing.length > 0 ? answer('Unsupported', missing) : answer('Applied');
}

/**
 * Settings of other writers in the section that the profile does not allow: one of them makes such an agent refuse the
 * whole section. It ignores settings that it does not know.
 */
function illegalOfOthers(profile: Profile, atoms: readonly Atom[], { properties }: Twin): string[] {
  const section = getPath(properties.desired, profile.section);
  if (!isObject(section)) return [];
  const ours = new Set(atoms.map(({ path }) => path[profile.section.length]));
  return Object.keys(section).filter((name) => {
    if (name.startsWith('$') || ours.has(name) || isEnvelopeKey(profile, name)) return false;
    if (unknownSetting(profile, name) !== undefined) return false;
    const value = section[name] as Json;
    return !isReadable(profile, name, profile.encoding === 'ValueWrapper' ? getWrapped(value) : value);
  });
}

/** Undefined if it is not wrapped or has no value: no agent can parse that. */
function getWrapped(value: Json): Json | undefined {
  return isObject(value) ? (getKey(value, 'value') ?? undefined) : undefined;
}

/** Checks one value against its schema, without rules between settings or for unknown ones. */
function isReadable(profile: Profile, name: string, value: Json | undefined): boolean {
  if (value === undefined) return false;
  const alone: JsonObject = {};
  setKey(alone, name, value);
  const validate = compileSchema(profile.schema);
  if (validate(alone)) return true;
  const place = `/${escapeSegment(name)}`;
  return !(validate.errors ?? []).some(
    ({ instancePath }) => instancePath === place || instancePath.startsWith(`${place}/`),
  );
}

/**
 * Settings that live has as declared but the agent reports at its default, in a report newer than any write to the
 * module: the last patch that it got did not name them. Only for agents that mirror their configuration.
 */
export function forgottenSettings(profile: Profile, atoms: readonly Atom[], { properties }: Twin): string[] {
  const { desired, reported } = properties;
  if (profile.acknowledgement.type !== 'Mirror') return [];
  if (!isFresh(lastUpdated(reported, profile.section), lastUpdated(desired, []))) return [];
  return atoms
    .filter((atom) => {
      const plain = getKey(profile.defaults, atom.name);
      const value = getPath(reported, atom.path);
      if (plain === undefined || value === undefined || !liesIn(profile.section, atom.path)) return false;
      return !reportsSame(atom, value) && reportsSame({ ...atom, plain }, value);
    })
    .map(({ name }) => name);
}

/** The agent reports `latest_state` and, after a failure, `latest_invalid_fields` in an undocumented form. */
function readLatestState(_profile: Profile, atoms: readonly Atom[], twin: Twin): Answer {
  const { desired, reported } = twin.properties;
  const state = getKey(reported, 'latest_state');
  if (!isFresh(lastUpdated(reported, ['latest_state']), lastUpdated(desired, []))) return answer('Pending');
  if (state === 'success') return answer('Applied');
  if (state !== 'failed') return answer('Pending');
  const named = invalidFields(getKey(reported, 'latest_invalid_fields'));
  const ours = atoms.map(({ name }) => name).filter((name) => named.includes(name));
  const detail = named.length === 0 ? undefined : `invalid fields: ${named.join(', ')}`;
  return answer('Rejected', ours, detail, ours.length === 0 ? named : []);
}

function invalidFields(value: Json | undefined): string[] {
  if (typeof value === 'string') return listItems(value);
  if (Array.isArray(value)) return value.filter((item) => typeof item === 'string');
  return isObject(value) ? Object.keys(value) : [];
}

/**
 * IoT Plug and Play: the agent acknowledges each property with an HTTP-like code `ac`, the acknowledged version `av`
 * and a description `ad`. 202 means that the agent is still working on it.
 */
function readPnp(_profile: Profile, atoms: readonly Atom[], twin: Twin): Answer {
  const { desired, reported } = twin.properties;
  const refused: string[] = [];
  const details: string[] = [];
  const inProgress: string[] = [];
  let isPending = false;
  for (const atom of atoms) {
    const reply = getPath(reported, atom.path);
    const written = getPath(getKey(desired, '$metadata'), [...atom.path, '$lastUpdatedVersion']);
    const code = isObject(reply) ? getKey(reply, 'ac') : undefined;
    if (!isObject(reply) || typeof code !== 'number' || !isAtLeast(getKey(reply, 'av'), written)) {
      isPending = true;
      continue;
    }
    const isSuccess = code >= 200 && code < 300;
    if (code === IN_PROGRESS) inProgress.push(atom.name);
    else if (!isSuccess || !sameValue(atom.comparator, atom.plain, getKey(reply, 'value'))) {
      refused.push(atom.name);
      const text = getKey(reply, 'ad');
      if (typeof text === 'string' && text !== '' && text !== '-') details.push(text);
    }
  }
  if (refused.length > 0) return answer('Rejected', refused, details.length === 0 ? undefined : details.join('; '));
  if (isPending) return answer('Pending');
  return inProgress.length > 0
    ? answer('InProgress', inProgress, 'the agent is still working on it')
    : answer('Applied');
}

const IN_PROGRESS = 202;

function isAtLeast(version: Json | undefined, written: Json | undefined): boolean {
  return typeof version === 'number' && (typeof written !== 'number' || version >= written);
}

/** `$lastUpdated` of a section, as written by the hub. */
function lastUpdated(section: JsonObject, path: readonly string[]): string | undefined {
  const text = getPath(getKey(section, '$metadata'), [...path, '$lastUpdated']);
  return typeof text === 'string' ? text : undefined;
}

const TIME = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z$/;

/** True if the report is not older than the write. The hub trims zeros: ".5Z" is after ".45Z". */
function isFresh(reported: string | undefined, written: string | undefined): boolean {
  const report = sortable(reported);
  const write = sortable(written);
  return report !== undefined && write !== undefined && report >= write;
}

function sortable(time: string | undefined): string | undefined {
  const match = time === undefined ? null : TIME.exec(time);
  return match === null ? undefined : `${match[1]}.${(match[2] ?? '').padEnd(9, '0')}`;
}

function answer(
  state: Answer['state'],
  keys: readonly string[] = [],
  detail?: string,
  foreign: readonly string[] = [],
): Answer {
  return { state, keys, detail, foreign };
}
