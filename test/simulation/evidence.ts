// What was true when: tags, policies, suspensions and values of a world, so that each write can be held against all that its
// writer may still go by.
import type { JsonObject } from '../../src/model/json.ts';
import { settingIn, type Sight } from './oracle.ts';
import { SETTINGS, type Policy } from './policy.ts';
import type { SimDevice, Stopped } from './scenario.ts';

/** How long a controller may still go by manifests that it was given before, and by suspensions that ended or began. */
const POLICY_MEMORY_MS = 3 * 60_000;
/** Who is in a group is read from an index that lags, but for first writes and removals. */
const TAGS_MEMORY_MS = 45 * 60_000;

interface Suspended {
  readonly what: Stopped;
  readonly fromMs: number;
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
    this.#suspensions.push({ what, fromMs, untilMs, isDoubtful: false });
  }

  endSuspensions(nowMs: number): void {
    for (const one of this.#suspensions) one.untilMs = Math.min(one.untilMs, nowMs);
  }

  /** Nobody knows whether the hub still has them. */
  doubtSuspensions(): void {
    for (const one of this.#suspensions) one.isDoubtful = true;
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
    const given = recent(this.#policies.get(process) ?? [], since);
    const policies = given.flatMap(({ policy }) => inForce.map((suspended) => without(policy, suspended)));
    return {
      policies,
      tags: recent(this.#tags.get(deviceId) ?? [], nowMs - TAGS_MEMORY_MS).map(({ tags }) => tags),
      // Clocks differ by two minutes.
      momentsMs: [since, nowMs + POLICY_MEMORY_MS],
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

function without(policy: Policy, suspended: readonly Suspended[]): Policy {
  const isSuspended = (name: string): boolean =>
    suspended.some(({ what }) => what.scope === 'Configuration' && what.name === name);
  if (!policy.configurations.some(({ name }) => isSuspended(name))) return policy;
  const configurations = policy.configurations.map((one) =>
    isSuspended(one.name) ? { ...one, state: 'Suspended' as const } : one,
  );
  return { ...policy, configurations };
}

/** Those since then, and the one before them. */
function recent<T extends { readonly atMs: number }>(list: readonly T[], sinceMs: number): readonly T[] {
  const first = list.findLastIndex(({ atMs }) => atMs <= sinceMs);
  return list.slice(Math.max(0, first));
}
