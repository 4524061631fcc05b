// The history of tags, policies, suspensions and values, to judge each write by every state that its writer may still
// rely on.
import type { JsonObject } from '../../src/model/json.ts';
import { settingIn, type Directive, type Sight } from './oracle.ts';
import { SETTINGS, type Policy } from './policy.ts';
import type { SimDevice, Stopped } from './scenario.ts';

/** How long a controller may still go by manifests that it was given before, and by suspensions that ended or began. */
const POLICY_MEMORY_MS = 3 * 60_000;
/** Membership comes from a lagging index, except for first writes and removals. */
const TAGS_MEMORY_MS = 45 * 60_000;

/** Between the direct read of a device and the write that rests on it. */
const DIRECT_READ_MS = 5 * 60_000;

interface Suspended {
  readonly what: Stopped;
  readonly fromMs: number;
  /** Its end as planned at its beginning. */
  readonly plannedMs: number;
  untilMs: number;
  /** The hub may have lost it. */
  isDoubtful: boolean;
}

/** Times count from the start of the scenario. */
export class Evidence {
  readonly #devices: ReadonlyMap<string, SimDevice>;
  readonly #policies = new Map<string, { readonly policy: Policy; readonly atMs: number }[]>();
  readonly #tags = new Map<string, { readonly tags: JsonObject; readonly atMs: number }[]>();
  /** By device and key: every value that was ever there, as text. */
  readonly #values = new Map<string, Set<string>>();
  readonly #suspensions: Suspended[] = [];

  constructor(devices: ReadonlyMap<string, SimDevice>) {
    this.#devices = devices;
  }

  notePolicy(process: string, policy: Policy, atMs: number): void {
    this.#policies.set(process, [...(this.#policies.get(process) ?? []), { policy, atMs }]);
  }

  /** The policies that it may have used at any time since then. */
  policiesOf(process: string, sinceMs: number): readonly Policy[] {
    return recent(this.#policies.get(process) ?? [], sinceMs - POLICY_MEMORY_MS).map(({ policy }) => policy);
  }

  noteTags(deviceId: string, tags: JsonObject, atMs: number): void {
    this.#tags.set(deviceId, [...(this.#tags.get(deviceId) ?? []), { tags, atMs }]);
  }

  /** `desired`: as patched. */
  noteDesired(deviceId: string, desired: JsonObject): void {
    const profile = this.#devices.get(deviceId)?.profile;
    if (profile === undefined) return;
    for (const key of Object.keys(SETTINGS[profile])) {
      const value = settingIn(profile, desired, key);
      if (value === undefined) continue;
      const place = `${deviceId}/${key}`;
      const known = this.#values.get(place) ?? new Set();
      this.#values.set(place, known.add(JSON.stringify(value)));
    }
  }

  /** In place of one of the same thing. */
  noteSuspension(what: Stopped, fromMs: number, untilMs: number): void {
    for (const one of this.#suspensions) if (isSame(one.what, what)) one.untilMs = Math.min(one.untilMs, fromMs);
    this.#suspensions.push({ what, fromMs, plannedMs: untilMs, untilMs, isDoubtful: false });
  }

  endSuspensions(nowMs: number): void {
    for (const one of this.#suspensions) one.untilMs = Math.min(one.untilMs, nowMs);
  }

  /** The hub may have lost them, and may have restored those that ended since then. */
  doubtSuspensions(sinceMs: number): void {
    for (const one of this.#suspensions) {
      one.isDoubtful = true;
      if (one.untilMs >= sinceMs) one.untilMs = one.plannedMs;
    }
  }

  sightOf(process: string, deviceId: string, nowMs: number): Sight {
    const since = nowMs - POLICY_MEMORY_MS;
    // Known to everybody: in force for so long, and not about to end. Known to some: begun, and not ended for long.
    const known = this.#suspensions.filter(
      ({ fromMs, untilMs, isDoubtful }) => !isDoubtful && fromMs < since && nowMs < untilMs - POLICY_MEMORY_MS,
    );
    const perhaps = this.#suspensions.filter(({ fromMs, untilMs }) => fromMs <= nowMs && since <= untilMs);
    const doubtful = perhaps.filter((one) => one.what.scope === 'Configuration' && !known.includes(one));
    const inForce = subsets(doubtful).map((some) => [...known, ...some]);
    const given = recent(this.#policies.get(process) ?? [], since).toReversed();
    const freshMs = nowMs - DIRECT_READ_MS;
    const seen = recent(this.#tags.get(deviceId) ?? [], nowMs - TAGS_MEMORY_MS);
    return {
      directives: given.flatMap(({ policy }) => inForce.map((suspended) => directiveOf(policy, suspended))),
      tags: seen
        .map((one, index) => ({ tags: one.tags, isFresh: (seen[index + 1]?.atMs ?? nowMs) >= freshMs }))
        .toReversed(),
      // Clocks differ by two minutes, and exceptions end one after the other.
      momentsMs: [since, ...endsBetween(given, since, nowMs + POLICY_MEMORY_MS)],
      wasThere: (key, value) => this.#values.get(`${deviceId}/${key}`)?.has(JSON.stringify(value)) === true,
      isStopped: known.some(({ what }) => what.scope === 'All' || (what.scope === 'Device' && what.name === deviceId)),
    };
  }
}

function subsets<T>(items: readonly T[]): T[][] {
  return items.reduce<T[][]>((all, item) => [...all, ...all.map((one) => [...one, item])], [[]]);
}

function isSame(a: Stopped, b: Stopped): boolean {
  return a.scope === b.scope && ('name' in a ? a.name : '') === ('name' in b ? b.name : '');
}

function directiveOf(policy: Policy, inForce: readonly Suspended[]): Directive {
  const suspended = inForce.flatMap(({ what }) =>
    what.scope === 'Configuration' ? [`SecurityConfiguration/${what.name}`] : [],
  );
  return { policy, suspended };
}

/** Moments after each end of an exception. */
function endsBetween(given: readonly { readonly policy: Policy }[], fromMs: number, toMs: number): number[] {
  const ends = given.flatMap(({ policy }) => policy.exceptions.map(({ endsAtMs }) => endsAtMs));
  return [...new Set(ends)].filter((endMs) => endMs > fromMs && endMs <= toMs).toSorted((a, b) => a - b);
}

/** The entries since then, and the one before them. */
function recent<T extends { readonly atMs: number }>(list: readonly T[], sinceMs: number): readonly T[] {
  const first = list.findLastIndex(({ atMs }) => atMs <= sinceMs);
  return list.slice(Math.max(0, first));
}
