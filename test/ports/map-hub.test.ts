// The wrapper over a hub: every method of the port goes through it once, with its arguments and its answer as they are.
import { expect, test } from 'vitest';
import { inProcessHub } from '../../src/emulator/in-process-hub.ts';
import { mapHub, type HubCall } from '../../src/ports/map-hub.ts';
import { hubWithModule, MODULE } from '../emulator/hub/new-hub.ts';

const { signal } = new AbortController();

test('every method but those of the connection is a call or a list, with its throttle and what it writes to', async () => {
  const port = inProcessHub(hubWithModule().hub);
  const seen: HubCall[] = [];
  const hub = mapHub(port, {
    call: (call, run) => {
      seen.push(call);
      return run();
    },
    pages: (call, turn, list) => {
      seen.push(call);
      return list(turn);
    },
  });
  const { deviceId } = MODULE;
  await Array.fromAsync(hub.listDevices(signal));
  await Array.fromAsync(hub.listModuleTwins([MODULE.moduleId], signal));
  await hub.getDeviceTwin(deviceId, signal);
  const { etag } = await hub.getModuleTwin(MODULE, signal);
  await hub.patchModuleTwin(MODULE, { tags: { a: 1 } }, etag, signal);
  await hub.createModule({ deviceId, moduleId: 'new' }, signal);
  await hub.getModule({ deviceId, moduleId: 'new' }, signal);
  expect(await hub.listModuleIds(deviceId, signal)).toEqual([MODULE.moduleId, 'new']);
  expect(await hub.listConfigurations(signal)).toEqual([]);
  expect(await hub.countDevices(signal)).toBe(1);
  await hub.createDevice('twinward-x', { status: 'disabled', statusReason: '' }, signal);
  const reserved = await hub.getDeviceTwin('twinward-x', signal);
  expect((await hub.patchDeviceTwin('twinward-x', { b: 2 }, reserved.etag, signal)).tags).toEqual({ b: 2 });
  await hub.deleteDevice('twinward-x', signal);
  expect(seen.every((call) => call.signal === signal)).toBe(true);
  expect(seen.map(({ method, throttle, writesTo }) => [method, throttle, writesTo])).toEqual([
    ['listDevices', 'queries', undefined],
    ['listModuleTwins', 'queries', undefined],
    ['getDeviceTwin', 'twinReads', undefined],
    ['getModuleTwin', 'twinReads', undefined],
    ['patchModuleTwin', 'twinWrites', 'fleet'],
    ['createModule', 'registry', 'fleet'],
    ['getModule', 'registry', undefined],
    ['listModuleIds', 'registry', undefined],
    ['listConfigurations', 'configurations', undefined],
    ['countDevices', 'registry', undefined],
    ['createDevice', 'registry', 'reserved device'],
    ['getDeviceTwin', 'twinReads', undefined],
    ['patchDeviceTwin', 'twinWrites', 'reserved device'],
    ['deleteDevice', 'registry', 'reserved device'],
  ]);
  const wrapped = new Set<string>([...seen.map(({ method }) => method), 'messagesSpent', 'close']);
  expect(wrapped).toEqual(new Set(Object.keys(port)));
});

test('a list keeps the turn of its caller and its other options where nothing stands around lists', async () => {
  const hub = mapHub(inProcessHub(hubWithModule().hub), { call: (_call, run) => run() });
  let turns = 0;
  const turn = async (): Promise<void> => void (turns += 1);
  expect(await Array.fromAsync(hub.listDevices(signal, { turn }))).toHaveLength(1);
  expect(turns).toBe(1);
});
