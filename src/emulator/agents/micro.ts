// The Defender micro agent: flat settings, and a verdict on the last change instead of a mirror.
import { getKey, isObject, type Json, type JsonObject, setKey } from '../../model/json.ts';
import type { Behaviour } from './behaviour.ts';

export const MICRO_MODULE_ID = 'DefenderIotMicroAgent';

type ValueType = 'boolean' | 'frequency' | 'count' | 'mode' | 'text' | 'intervals';

const FREQUENCIES: ReadonlySet<Json> = new Set(['Low', 'Medium', 'High']);
const MODES: ReadonlySet<Json> = new Set([1, 2, 3]);

const CHECKS: Readonly<Record<ValueType, (value: Json) => boolean>> = {
  boolean: (value) => typeof value === 'boolean',
  frequency: (value) => FREQUENCIES.has(value),
  count: (value) => typeof value === 'number' && Number.isInteger(value) && value > 0,
  mode: (value) => MODES.has(value),
  text: (value) => typeof value === 'string',
  intervals: (value) => typeof value === 'string' && /^\d+,\d+,\d+$/.test(value),
};

/** As documented ("Micro agent configurations"); null is no value. */
const SETTINGS: Readonly<Record<string, readonly [type: ValueType, byDefault: Json]>> = {
  CollectorsCore_PriorityIntervals: ['intervals', '30,120,1440'],
  ...collector('Baseline', 'Low'),
  Baseline_GroupsDisabled: ['text', null],
  Baseline_ChecksDisabled: ['text', null],
  ...collector('SystemInformation', 'Low'),
  SystemInformation_HardwareVendor: ['text', null],
  SystemInformation_HardwareModel: ['text', null],
  SystemInformation_HardwareSerialNumber: ['text', null],
  SystemInformation_FirmwareVendor: ['text', null],
  SystemInformation_FirmwareVersion: ['text', null],
  ...collector('SBoM', 'Low'),
  ...collector('Heartbeat', 'Low'),
  ...collector('Login', 'Medium'),
  Login_UsePAM: ['boolean', false],
  IothubModule_MessageTimeout: ['count', 2880],
  ...collector('NetworkActivity', 'Medium'),
  NetworkActivity_Devices: ['text', 'eth0'],
  NetworkActivity_CacheSize: ['count', 256],
  NetworkActivity_PacketBufferSize: ['count', 2_097_152],
  ...collector('Process', 'Medium'),
  Process_PollingInterval: ['count', 100_000],
  Process_Mode: ['mode', 1],
  Process_CacheSize: ['count', 256],
  ...collector('LogCollector', 'Low'),
  ...collector('FileSystem', 'Low'),
  FileSystem_Recursive: ['boolean', true],
  FileSystem_Paths: ['text', null],
  FileSystem_CacheSize: ['count', 256],
  ...collector('Peripheral', 'Low'),
  Peripheral_CacheSize: ['count', 256],
  ...collector('Statistics', 'Low'),
  Statistics_CacheSize: ['count', 256],
};

/**
 * The agent's source is closed. Where the documentation is silent this simulates the worst case: a patch is the whole
 * configuration, and one bad value refuses all of it. We assume that `latest_invalid_fields` is a list and disappears
 * with the next success. Ignores unknown settings.
 */
export const reactAsMicro: Behaviour = (state, notification) => {
  const settings: JsonObject = {};
  const invalid: string[] = [];
  for (const [name, [type, byDefault]] of Object.entries(SETTINGS)) {
    const value = getKey(notification, name) ?? null;
    if (value !== null && !CHECKS[type](value)) invalid.push(name);
    setKey(settings, name, value ?? byDefault);
  }
  if (invalid.length === 0) {
    return { state: settings, report: { latest_state: 'success', latest_invalid_fields: null } };
  }
  const kept = isObject(state) ? state : defaults();
  return { state: kept, report: { latest_state: 'failed', latest_invalid_fields: invalid } };
};

function defaults(): JsonObject {
  return Object.fromEntries(Object.entries(SETTINGS).map(([name, [, byDefault]]) => [name, byDefault]));
}

function collector(name: string, frequency: string): Record<string, readonly [ValueType, Json]> {
  return { [`${name}_Disabled`]: ['boolean', false], [`${name}_MessageFrequency`]: ['frequency', frequency] };
}
