import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { encodeSettings } from '../../src/profile/encode.ts';
import { checkSettings } from '../../src/profile/settings.ts';
import { builtin } from './fixture.ts';

const DURATION = ['PT1S', 'PT0S'] as const;
const PRIORITY = ['Off', 'off'] as const;
const FREQUENCY = ['Medium', 'medium'] as const;
const BOOLEAN = [true, 'true'] as const;
const COUNT = [1, 0] as const;
const LIST = ['a, b', 1] as const;

/** Each setting with the agent's default, a value it takes and one it does not. */
type Row = readonly [name: string, byDefault: Json | undefined, good: Json, bad: Json];

/** Agent sources (RemoteConfiguration.cs, consts.c) and the published schema. */
const LEGACY: readonly Row[] = [
  ['highPriorityMessageFrequency', 'PT7M', ...DURATION],
  ['lowPriorityMessageFrequency', 'PT5H', ...DURATION],
  ['snapshotFrequency', 'PT13H', ...DURATION],
  ['maxLocalCacheSizeInBytes', 2_560_000, 4_294_967_295, 4_294_967_296],
  ['maxMessageSizeInBytes', 204_800, 262_144, 262_145],
  ['eventPriorityProcessCreate', 'Low', ...PRIORITY],
  ['eventPriorityProcessTerminate', 'Low', ...PRIORITY],
  ['eventPriorityConnectionCreate', 'Low', ...PRIORITY],
  ['eventPriorityLogin', 'High', ...PRIORITY],
  ['eventPriorityListeningPorts', 'High', ...PRIORITY],
  ['eventPriorityLocalUsers', 'High', ...PRIORITY],
  ['eventPrioritySystemInformation', 'Low', ...PRIORITY],
  ['eventPriorityFirewallConfiguration', 'Low', ...PRIORITY],
  ['eventPriorityOSBaseline', 'Low', ...PRIORITY],
  ['eventPriorityConnectedHardware', 'Low', ...PRIORITY],
  ['eventPriorityDiagnostic', 'Low', ...PRIORITY],
  ['eventPriorityConfigurationError', 'Low', ...PRIORITY],
  ['eventPriorityDroppedEventsStatistics', 'Low', ...PRIORITY],
  ['eventPriorityMessageStatistics', 'Low', ...PRIORITY],
  ['eventPriorityOperational', undefined, ...PRIORITY],
  ['aggregationEnabledProcessCreate', true, ...BOOLEAN],
  ['aggregationIntervalProcessCreate', 'PT1H', ...DURATION],
  ['aggregationEnabledConnectionCreate', true, ...BOOLEAN],
  ['aggregationIntervalConnectionCreate', 'PT1H', ...DURATION],
  ['aggregationEnabledProcessTerminate', true, ...BOOLEAN],
  ['aggregationIntervalProcessTerminate', 'PT1H', ...DURATION],
  ['baselineCustomChecksEnabled', false, ...BOOLEAN],
  ['baselineCustomChecksFilePath', undefined, '/etc/checks.xml', 'checks.xml'],
  ['baselineCustomChecksFileHash', undefined, 'a'.repeat(64), 'A'.repeat(64)],
];

/** "Micro agent configurations" in the vendor's documentation. */
const MICRO: readonly Row[] = [
  ['CollectorsCore_PriorityIntervals', '30,120,1440', '2,120,1440', '30,120'],
  ['Baseline_Disabled', false, ...BOOLEAN],
  ['Baseline_MessageFrequency', 'Low', ...FREQUENCY],
  ['Baseline_GroupsDisabled', undefined, 'Time Synchronization, Network Parameters Host', 1],
  ['Baseline_ChecksDisabled', undefined, '3.3.5,2.2.1.1', 'all'],
  ['SystemInformation_Disabled', false, ...BOOLEAN],
  ['SystemInformation_MessageFrequency', 'Low', ...FREQUENCY],
  ['SystemInformation_HardwareVendor', undefined, 'Acme', 1],
  ['SystemInformation_HardwareModel', undefined, 'A1', 1],
  ['SystemInformation_HardwareSerialNumber', undefined, '0012', 12],
  ['SystemInformation_FirmwareVendor', undefined, 'Acme', 1],
  ['SystemInformation_FirmwareVersion', undefined, '1.0', 1],
  ['SBoM_Disabled', false, ...BOOLEAN],
  ['SBoM_MessageFrequency', 'Low', ...FREQUENCY],
  ['Heartbeat_Disabled', false, ...BOOLEAN],
  ['Heartbeat_MessageFrequency', 'Low', ...FREQUENCY],
  ['Login_Disabled', false, ...BOOLEAN],
  ['Login_MessageFrequency', 'Medium', ...FREQUENCY],
  ['Login_UsePAM', false, ...BOOLEAN],
  ['IothubModule_MessageTimeout', 2880, ...COUNT],
  ['NetworkActivity_Disabled', false, ...BOOLEAN],
  ['NetworkActivity_MessageFrequency', 'Medium', ...FREQUENCY],
  ['NetworkActivity_Devices', 'eth0', ...LIST],
  ['NetworkActivity_CacheSize', 256, ...COUNT],
  ['NetworkActivity_PacketBufferSize', 2_097_152, ...COUNT],
  ['Process_Disabled', false, ...BOOLEAN],
  ['Process_MessageFrequency', 'Medium', ...FREQUENCY],
  ['Process_PollingInterval', 100_000, 1, 1.5],
  ['Process_Mode', 1, 3, 4],
  ['Process_CacheSize', 256, ...COUNT],
  ['LogCollector_Disabled', false, ...BOOLEAN],
  ['LogCollector_MessageFrequency', 'Low', ...FREQUENCY],
  ['FileSystem_Disabled', false, ...BOOLEAN],
  ['FileSystem_MessageFrequency', 'Low', ...FREQUENCY],
  ['FileSystem_Recursive', true, ...BOOLEAN],
  ['FileSystem_Paths', undefined, ...LIST],
  ['FileSystem_CacheSize', 256, ...COUNT],
  ['Peripheral_Disabled', false, ...BOOLEAN],
  ['Peripheral_MessageFrequency', 'Low', ...FREQUENCY],
  ['Peripheral_CacheSize', 256, ...COUNT],
  ['Statistics_Disabled', false, ...BOOLEAN],
  ['Statistics_MessageFrequency', 'Low', ...FREQUENCY],
  ['Statistics_CacheSize', 256, ...COUNT],
];

describe.each([
  ['defender-legacy', LEGACY],
  ['defender-micro-agent', MICRO],
] as const)('%s', (name, rows) => {
  const profile = builtin(name);

  test('knows these settings and no others', () => {
    expect(Object.keys(profile.schema['properties'] as JsonObject).toSorted()).toEqual(
      rows.map(([setting]) => setting).toSorted(),
    );
    const defaults = rows.flatMap(([setting, byDefault]) => (byDefault === undefined ? [] : [[setting, byDefault]]));
    expect(profile.defaults).toEqual(Object.fromEntries(defaults));
  });

  test.each(rows)('%s', (setting, _byDefault, good, bad) => {
    expect(checkSettings(profile, { [setting]: good })).toEqual([]);
    expect(checkSettings(profile, { [setting]: bad }).map(({ path }) => path)).toEqual([[setting]]);
    expect(checkSettings(profile, { [setting]: null }).map(({ code }) => code)).toEqual(['TW1308']);
  });
});

describe('shape and behaviour', () => {
  const SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

  test.each<[name: string, want: object]>([
    [
      'defender-legacy',
      {
        moduleId: 'azureiotsecurity',
        section: [SECTION],
        encoding: 'ValueWrapper',
        patchGranularity: 'section',
        acknowledgement: { type: 'Mirror' },
        deny: ['hubResourceId'],
        preserve: ['hubResourceId'],
        nudge: true,
        onRemove: 'Null',
        endOfSupport: '2022-03-01',
      },
    ],
    [
      'defender-micro-agent',
      {
        moduleId: 'DefenderIotMicroAgent',
        section: [],
        encoding: 'Plain',
        patchGranularity: 'section',
        acknowledgement: { type: 'LatestState' },
        deny: ['IothubModule_ProxyConfig', 'IothubModule_TransportProtocol'],
        nudge: false,
        endOfSupport: '2027-06-01',
      },
    ],
    [
      'osconfig-security-baseline',
      {
        moduleId: 'osconfig',
        section: ['SecurityBaseline'],
        encoding: 'PnpComponent',
        patchGranularity: 'leaf',
        envelope: { __t: 'c' },
        acknowledgement: { type: 'Pnp' },
        deny: ['audit*', 'CommandRunner'],
        nudge: false,
        onRemove: 'Keep',
        endOfSupport: '2025-11-11',
      },
    ],
    [
      'generic',
      { moduleId: '', section: [], encoding: 'Plain', patchGranularity: 'leaf', acknowledgement: { type: 'None' } },
    ],
    [
      'generic-pnp',
      { moduleId: '', section: [], encoding: 'PnpComponent', envelope: { __t: 'c' }, acknowledgement: { type: 'Pnp' } },
    ],
  ])('%s', (name, want) => expect(builtin(name)).toMatchObject(want));

  test('a legacy setting is an object with a value; the object is the atom', () => {
    expect(encodeSettings(builtin('defender-legacy'), { eventPriorityLogin: 'High' })).toMatchObject([
      { name: 'eventPriorityLogin', path: [SECTION, 'eventPriorityLogin'], value: { value: 'High' }, plain: 'High' },
    ]);
  });

  test('a setting of the micro agent stands at the root, as it is', () => {
    expect(encodeSettings(builtin('defender-micro-agent'), { Login_UsePAM: true })).toMatchObject([
      { name: 'Login_UsePAM', path: ['Login_UsePAM'], value: true },
    ]);
  });

  test('properties of Plug and Play components are the atoms, whatever they hold', () => {
    const settings = { thermostat: { target: 20, limits: { low: 1, high: 2 } }, name: 'x' };
    expect(encodeSettings(builtin('generic-pnp'), settings).map(({ name }) => name)).toEqual([
      'name',
      'thermostat/limits',
      'thermostat/target',
    ]);
  });

  test('leaves are the atoms of a generic agent; lists are leaves; names are escaped', () => {
    const settings = { usb: { policy: 'audit', ports: [1, 2] }, 'a/b': { '~': 1 }, empty: {} };
    const atoms = encodeSettings(builtin('generic'), settings);
    expect(atoms.map(({ name }) => name)).toEqual(['a~1b/~0', 'usb/policy', 'usb/ports']);
    expect(atoms[0]?.path).toEqual(['a/b', '~']);
  });
});
