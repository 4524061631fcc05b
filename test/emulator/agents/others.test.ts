// Reactions of the micro agent, OSConfig and acme-guard to their twin.
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../../src/model/json.ts';
import { createGuard } from '../../../src/emulator/agents/guard.ts';
import { reactAsMicro } from '../../../src/emulator/agents/micro.ts';
import { reactAsOsconfig } from '../../../src/emulator/agents/osconfig.ts';

describe('micro', () => {
  const rows: readonly (readonly [what: string, desired: JsonObject, invalid: readonly string[]])[] = [
    ['nothing at all', {}, []],
    [
      'the documented example',
      { CollectorsCore_PriorityIntervals: '30,120,1440', Process_Disabled: false, Process_CacheSize: 256 },
      [],
    ],
    ['lists of texts', { NetworkActivity_Devices: 'eth0, eth1', Baseline_ChecksDisabled: '' }, []],
    ['a key that is removed', { Process_CacheSize: null }, []],
    ['unknown keys', { appTeam: 1, Process_Magic: 'x', __proto__x: 2 }, []],
    ['keys of the local file alone', { IothubModule_ProxyConfig: 7 }, []],
    ['a frequency in lower case', { Process_MessageFrequency: 'medium' }, ['Process_MessageFrequency']],
    ['a boolean as a text', { Process_Disabled: 'false' }, ['Process_Disabled']],
    ['a count of none', { Process_CacheSize: 0 }, ['Process_CacheSize']],
    ['a mode that is none', { Process_Mode: 4 }, ['Process_Mode']],
    ['two intervals', { CollectorsCore_PriorityIntervals: '30,120' }, ['CollectorsCore_PriorityIntervals']],
    [
      'two bad ones beside a good one',
      { Login_UsePAM: 1, Process_Mode: 2, FileSystem_Paths: ['/opt'] },
      ['Login_UsePAM', 'FileSystem_Paths'],
    ],
  ];

  test.each(rows)('%s', (_what, desired, invalid) => {
    const { report } = reactAsMicro(undefined, { ...desired, $version: 2 }, 'Change');
    expect(report).toEqual({
      latest_state: invalid.length === 0 ? 'success' : 'failed',
      latest_invalid_fields: invalid.length === 0 ? null : invalid,
    });
  });

  test('what a notification leaves out is back at its default', () => {
    const { state } = reactAsMicro(undefined, { Process_CacheSize: 512, Process_Mode: 2, $version: 2 }, 'Start');
    expect(state).toMatchObject({ Process_CacheSize: 512, Process_Mode: 2, Login_MessageFrequency: 'Medium' });
    const next = reactAsMicro(state, { Process_Mode: 3, $version: 3 }, 'Change');
    expect(next.state).toMatchObject({ Process_CacheSize: 256, Process_Mode: 3 });
  });

  test('after a refusal the old settings stay', () => {
    const { state } = reactAsMicro(undefined, { Process_CacheSize: 512, $version: 2 }, 'Start');
    expect(reactAsMicro(state, { Process_CacheSize: -1, $version: 3 }, 'Change').state).toEqual(state);
  });
});

describe('osconfig', () => {
  function replies(component: Json, version = 7): Json | undefined {
    return reactAsOsconfig({}, { SecurityBaseline: component, $version: version }, 'Change').report?.[
      'SecurityBaseline'
    ];
  }

  test('acknowledges each property with the version it came in', () => {
    expect(replies({ __t: 'c', remediateEnsureSshPort: '22', initEnsureSshPort: '' })).toEqual({
      __t: 'c',
      remediateEnsureSshPort: { value: '22', ac: 200, ad: '-', av: 7 },
      initEnsureSshPort: { value: '', ac: 200, ad: '-', av: 7 },
    });
  });

  const refused: readonly (readonly [what: string, component: JsonObject, reply: JsonObject])[] = [
    ['a value that is no text', { remediateX: 22 }, { remediateX: { value: 22, ac: 400, ad: '-', av: 7 } }],
    ['a property that is read only', { auditX: 'PASS' }, { auditX: { value: 'PASS', ac: 400, ad: '-', av: 7 } }],
    ['a removal', { remediateX: null }, { remediateX: { ac: 400, ad: '-', av: 7 } }],
  ];

  test.each(refused)('refuses %s', (_what, component, reply) => {
    expect(replies(component)).toEqual({ __t: 'c', ...reply });
  });

  test('a partial patch leaves the rest as it is', () => {
    const first = reactAsOsconfig(undefined, { SecurityBaseline: { remediateA: 'a', remediateB: 'b' } }, 'Start');
    const second = reactAsOsconfig(first.state, { SecurityBaseline: { remediateA: 'c' } }, 'Change');
    expect(second.state).toEqual({ remediateA: 'c', remediateB: 'b' });
  });

  test('says nothing about other components', () => {
    expect(reactAsOsconfig({}, { CommandRunner: { commandArguments: 'x' }, $version: 2 }, 'Change')).toEqual({
      state: {},
    });
  });
});

describe('acme-guard', () => {
  const current = createGuard('2.0');
  const old = createGuard('1.2');

  test('mirrors what it runs with, defaults included', () => {
    expect(current(undefined, { guard: { usbPolicy: 'audit' }, $version: 2 }, 'Start').report).toEqual({
      guard: { scanInterval: 'PT6H', usbPolicy: 'audit', lastError: null },
      guardStatus: 'running',
      firmware: '2.0',
    });
  });

  test('firmware 1.2 does not know "audit": the old values are reported again, with the reason', () => {
    const { state } = old(undefined, { guard: { usbPolicy: 'block' }, $version: 2 }, 'Start');
    const next = old(state, { guard: { usbPolicy: 'audit', scanInterval: 'PT1H' }, $version: 3 }, 'Change');
    const reason = 'usbPolicy: firmware 1.2 does not know "audit"';
    expect(next.state).toEqual(state);
    expect(next.report).toEqual({
      guard: { scanInterval: 'PT6H', usbPolicy: 'block', lastError: reason },
      guardStatus: `refused ${reason}`,
      firmware: '1.2',
    });
    const mended = old(next.state, { guard: { usbPolicy: 'allow' }, $version: 4 }, 'Change');
    expect(mended.report).toMatchObject({ guard: { usbPolicy: 'allow', lastError: null }, guardStatus: 'running' });
  });

  test('it refuses from the start what it does not know, and says its default', () => {
    const { report } = old(undefined, { guard: { usbPolicy: 'audit' }, $version: 2 }, 'Start');
    expect(report).toMatchObject({ guard: { usbPolicy: 'allow' } });
  });

  test('takes back what an earlier report said of a setting that came with what is refused', () => {
    const { report } = old(undefined, { guard: { usbPolicy: 'audit', level: 1 }, $version: 2 }, 'Start');
    expect(report).toMatchObject({ guard: { usbPolicy: 'allow', level: null } });
  });

  test('merges patches, and forgets what is removed', () => {
    const first = current(undefined, { guard: { scanInterval: 'PT1H', extra: 1 }, $version: 2 }, 'Start');
    const second = current(first.state, { guard: { usbPolicy: 'block', extra: null }, $version: 3 }, 'Change');
    expect(second.state).toEqual({ scanInterval: 'PT1H', usbPolicy: 'block' });
    expect(second.report?.['guard']).toEqual({
      scanInterval: 'PT1H',
      usbPolicy: 'block',
      extra: null,
      lastError: null,
    });
    expect(current(second.state, { guard: null, $version: 4 }, 'Change').state).toEqual({
      scanInterval: 'PT6H',
      usbPolicy: 'allow',
    });
  });

  test('never mirrors its token', () => {
    const { report } = current(undefined, { guard: { uploadToken: 'c2VjcmV0' }, $version: 2 }, 'Start');
    expect(JSON.stringify(report)).not.toContain('c2VjcmV0');
  });

  test('minds nothing but its section', () => {
    const { state } = current(undefined, { guard: { usbPolicy: 'block' }, $version: 2 }, 'Start');
    expect(current(state, { appTeam: 1, $version: 3 }, 'Change')).toEqual({ state });
  });

  test.each([['soon'], [15], ['P1W']])('refuses the interval %j', (scanInterval) => {
    const { report } = current(undefined, { guard: { scanInterval }, $version: 2 }, 'Start');
    expect(report).toMatchObject({ guard: { scanInterval: 'PT6H' } });
  });
});
