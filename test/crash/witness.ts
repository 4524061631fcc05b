// Follows every module twin of a hub through its change events, and judges each write of the controller independently
// of the planner, by the same rules as in the simulation.
import { earliestEventPosition, EventHubConsumerClient, type ReceivedEventData } from '@azure/event-hubs';
import { canonicalJson, mergePatch, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Twin, TwinPatch } from '../../src/model/twin.ts';
import { judge, settingIn, userKeys } from '../simulation/oracle.ts';
import { SETTINGS, type Policy, type ProfileName } from '../simulation/policy.ts';

export interface Watched {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly profile: ProfileName;
}

interface Followed extends Watched {
  twin: Twin;
  version: number;
  /** `KEY VALUE` of all that was ever there. */
  readonly past: Set<string>;
}

/** How long a process may go by what it read before. */
const MEMORY_MS = 15_000;

/** Values, and since when each was true. */
type History<T> = { readonly value: T; readonly sinceMs: number }[];

export class Witness {
  readonly violations: string[] = [];
  /** Writes of the controller: of settings, and of only the record. */
  readonly writes = { settings: 0, records: 0 };
  readonly #followed = new Map<string, Followed>();
  readonly #policies: History<Policy> = [];
  readonly #tags = new Map<string, History<JsonObject>>();
  readonly #client: EventHubConsumerClient;

  constructor(eventsConnectionString: string) {
    this.#client = new EventHubConsumerClient('$Default', eventsConnectionString);
  }

  /** Begins with the twins as they are. */
  watch(twins: readonly (Watched & { readonly twin: Twin; readonly version: number })[]): void {
    for (const one of twins) {
      const followed = { ...one, past: new Set<string>() };
      notePast(followed);
      this.#followed.set(`${one.deviceId}/${one.moduleId}`, followed);
    }
    const handlers = {
      processEvents: async (events: ReceivedEventData[]) => {
        for (const event of events) this.#see(event);
      },
      processError: async (error: Error) => {
        this.violations.push(`the change events broke off: ${error.message}`);
      },
    };
    this.#client.subscribe(handlers, { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 });
  }

  /** Everybody may go by this from now on. */
  notePolicy(value: Policy, sinceMs: number): void {
    this.#policies.push({ value, sinceMs });
  }

  noteTags(deviceId: string, value: JsonObject, sinceMs: number): void {
    const known = this.#tags.get(deviceId) ?? [];
    this.#tags.set(deviceId, [...known, { value, sinceMs }]);
  }

  tagsOf(deviceId: string): JsonObject {
    return this.#tags.get(deviceId)?.at(-1)?.value ?? {};
  }

  /** As known from the events so far. */
  twins(): Iterable<Watched & { readonly twin: Twin; readonly version: number }> {
    return this.#followed.values();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #see({ body, properties }: ReceivedEventData): void {
    const { deviceId, moduleId, opType, operationTimestamp } = properties ?? {};
    const followed = this.#followed.get(`${String(deviceId)}/${String(moduleId)}`);
    const { version, ...patch } = body as { version?: number } & TwinPatch;
    if (followed === undefined || version === undefined || version <= followed.version) return;
    const where = `${followed.deviceId}/${followed.moduleId}`;
    if (opType !== 'updateTwin') this.violations.push(`${where}: ${String(opType)}, which no writer should do here`);
    if (version !== followed.version + 1)
      this.violations.push(`${where}: version ${followed.version}, then ${version}`);
    followed.version = version;
    const desired = patch.properties?.desired;
    if (patch.tags === undefined && desired === undefined) return;
    const before = followed.twin;
    const sent: TwinPatch = {
      ...(patch.tags === undefined ? {} : { tags: patch.tags }),
      ...(desired === undefined ? {} : { properties: { desired: userKeys(desired) } }),
    };
    followed.twin = {
      ...before,
      tags: mergePatch(before.tags ?? {}, sent.tags ?? {}) as JsonObject,
      properties: {
        ...before.properties,
        desired: mergePatch(before.properties.desired, sent.properties?.desired ?? {}) as JsonObject,
      },
    };
    notePast(followed);
    if (sent.tags?.['twinward'] === undefined) return;
    this.#judge(followed, before, sent, Date.parse(String(operationTimestamp)));
  }

  #judge({ deviceId, profile, past }: Followed, before: Twin, patch: TwinPatch, atMs: number): void {
    if (patch.properties === undefined) this.writes.records += 1;
    else this.writes.settings += 1;
    const directives = recent(this.#policies, atMs).map((policy) => ({ policy, suspended: [] }));
    const tags = recent(this.#tags.get(deviceId) ?? [], atMs).map((seen) => ({ tags: seen, isFresh: true }));
    const device = { ...PLAIN_DEVICE, deviceId, profile };
    const wasThere = (key: string, value: Json): boolean => past.has(markOf(key, value));
    const sight = { directives, tags, momentsMs: [0], wasThere, isStopped: false };
    this.violations.push(...judge({ device, before, patch, isRead: true, ...sight }));
  }
}

/** The other facts that the rules need about a device, which this test does not vary. */
const PLAIN_DEVICE = {
  firmware: '',
  tags: {},
  isOnline: true,
  hasModule: true,
  isThere: true,
  isManagedByEdge: false,
  slowMs: undefined,
};

function notePast({ profile, twin, past }: Followed): void {
  for (const key of Object.keys(SETTINGS[profile])) {
    const value = settingIn(profile, twin.properties.desired, key);
    if (value !== undefined) past.add(markOf(key, value));
  }
}

function markOf(key: string, value: Json): string {
  return `${key} ${canonicalJson(value)}`;
}

/** Everything that was true at any time in this period. */
function recent<T>(history: History<T>, atMs: number): T[] {
  return history
    .filter(({ sinceMs }, index) => {
      const untilMs = history[index + 1]?.sinceMs ?? Number.POSITIVE_INFINITY;
      return sinceMs <= atMs && untilMs >= atMs - MEMORY_MS;
    })
    .map(({ value }) => value);
}
