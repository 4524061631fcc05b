// The legacy security agents, C# and C: they take every desired patch for their whole configuration.
import { getKey, isObject, type Json, type JsonObject, setKey } from '../../model/json.ts';
import type { AgentState, Behaviour } from './behaviour.ts';
import { C_READERS, CS_READERS, type ValueReader, type ValueType } from './legacy-values.ts';

export const LEGACY_MODULE_ID = 'azureiotsecurity';
const SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

/** The default as in a twin; null means no value, which is never reported. */
type Settings = Readonly<Record<string, readonly [type: ValueType, byDefault: Json]>>;

interface Flavour {
  readonly settings: Settings;
  readonly readers: Readonly<Record<ValueType, ValueReader>>;
  /** After a refusal the C agent reports its effective settings; the C# agent reports nothing. */
  readonly reportsRefusals: boolean;
  /** If its configuration is invalid, the C# agent does not start; the C agent uses the defaults. */
  readonly startsWhenRefused: boolean;
  /** The C# agent reads the whole twin only when it starts. */
  readonly readsTwinOnReconnect: boolean;
}

const SHARED: Settings = {
  highPriorityMessageFrequency: ['duration', 'PT7M'],
  lowPriorityMessageFrequency: ['duration', 'PT5H'],
  snapshotFrequency: ['duration', 'PT13H'],
  maxMessageSizeInBytes: ['bytes', 204_800],
  eventPriorityProcessCreate: ['priority', 'Low'],
  eventPriorityConnectionCreate: ['priority', 'Low'],
  eventPriorityLogin: ['priority', 'High'],
  eventPriorityListeningPorts: ['priority', 'High'],
  eventPriorityLocalUsers: ['priority', 'High'],
  eventPrioritySystemInformation: ['priority', 'Low'],
  eventPriorityFirewallConfiguration: ['priority', 'Low'],
  eventPriorityOSBaseline: ['priority', 'Low'],
  eventPriorityDiagnostic: ['priority', 'Low'],
  aggregationEnabledProcessCreate: ['boolean', true],
  aggregationIntervalProcessCreate: ['duration', 'PT1H'],
  aggregationEnabledConnectionCreate: ['boolean', true],
  aggregationIntervalConnectionCreate: ['duration', 'PT1H'],
  baselineCustomChecksEnabled: ['boolean', false],
  baselineCustomChecksFilePath: ['text', null],
  baselineCustomChecksFileHash: ['text', null],
};

const CS: Flavour = {
  settings: {
    ...SHARED,
    maxLocalCacheSizeInBytes: ['bytes', 2_560_000],
    eventPriorityProcessTerminate: ['priority', 'Low'],
    eventPriorityConnectedHardware: ['priority', 'Low'],
    eventPriorityConfigurationError: ['priority', 'Low'],
    eventPriorityDroppedEventsStatistics: ['priority', 'Low'],
    eventPriorityMessageStatistics: ['priority', 'Low'],
    aggregationEnabledProcessTerminate: ['boolean', true],
    aggregationIntervalProcessTerminate: ['duration', 'PT1H'],
    hubResourceId: ['text', ''],
  },
  readers: CS_READERS,
  reportsRefusals: false,
  startsWhenRefused: false,
  readsTwinOnReconnect: false,
};

const C: Flavour = {
  settings: {
    ...SHARED,
    maxLocalCacheSizeInBytes: ['bytes', 10_485_760],
    eventPriorityOperational: ['priority', 'High'],
  },
  readers: C_READERS,
  reportsRefusals: true,
  startsWhenRefused: true,
  readsTwinOnReconnect: true,
};

/** Azure-IoT-Security-Agent-CS 0.0.6. */
export const reactAsLegacyCs: Behaviour = (...args) => react(CS, ...args);

/** Azure-IoT-Security-Agent-C 0.0.6. */
export const reactAsLegacyC: Behaviour = (...args) => react(C, ...args);

/** Settings missing from a notification fall back to their defaults, even if it names none at all. */
function react(flavour: Flavour, ...[state, notification, kind]: Parameters<Behaviour>): ReturnType<Behaviour> {
  if (kind === 'Reconnect' && !flavour.readsTwinOnReconnect) return { state };
  if (kind === 'Change' && state === undefined) return { state };
  const taken = readSection(flavour, getKey(notification, SECTION) ?? {});
  if (taken !== undefined) return { state: taken, report: mirror(taken) };
  const kept: AgentState = state ?? (flavour.startsWhenRefused ? readSection(flavour, {}) : undefined);
  return flavour.reportsRefusals && kept !== undefined ? { state: kept, report: mirror(kept) } : { state: kept };
}

/** Undefined if any single value is refused, because that refuses the whole section. Ignores unknown settings. */
function readSection({ settings, readers }: Flavour, section: Json): JsonObject | undefined {
  if (!isObject(section)) return undefined;
  const taken: JsonObject = {};
  for (const [name, [type, byDefault]] of Object.entries(settings)) {
    const wrapped = getKey(section, name) ?? null;
    const value = wrapped === null ? byDefault : unwrap(wrapped);
    if (value === undefined) return undefined;
    const read = wrapped === null && byDefault === null ? null : readers[type](value);
    if (read === undefined) return undefined;
    setKey(taken, name, read);
  }
  return taken;
}

/** Settings are `{"value": ...}`; a bare value, or a null inside, is refused. */
function unwrap(wrapped: Json): Json | undefined {
  return isObject(wrapped) ? (getKey(wrapped, 'value') ?? undefined) : undefined;
}

/** All effective settings. Omits those without a value, so that the twin keeps an older report of them. */
function mirror(settings: JsonObject): JsonObject {
  const section: JsonObject = {};
  for (const [name, value] of Object.entries(settings)) if (value !== null) setKey(section, name, { value });
  return { [SECTION]: section };
}
