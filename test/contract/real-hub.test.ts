// The contract of the hub port on a real hub: only where TWINWARD_TEST_HUB holds the connection string of its owner policy,
// and that of the change feed where TWINWARD_TEST_EVENTS holds that of its built-in endpoint, with both routes, too.
// Touches nothing but devices that begin with the reserved prefix, and removes them. Takes minutes: lists lag, and so do throttles.
import { setTimeout as sleep } from 'node:timers/promises';
import { env } from 'node:process';
import iothub from 'azure-iothub';
import { parseConnectionString } from '../../src/adapters/credentials.ts';
import { eventHubFeed } from '../../src/adapters/event-hub.ts';
import { connectIotHub } from '../../src/adapters/iot-hub.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { invariant } from '../../src/model/errors.ts';
import { hubNameOf } from '../../src/model/hub-name.ts';
import { describeFeedContract } from './feed-contract.ts';
import { describeHubContract, type DeviceToMake, type HubUnderTest, type OtherWriters } from './hub-contract.ts';

const RESERVED = 'twinward-contract-';
const BULK_MAX = 100;
const LIST_LAG_MS_MAX = 10 * 60_000;
const LIST_PAUSE_MS = 15_000;
/** Two bulk calls of 100 identities take a minute each on the smallest hub. */
const PAUSE_AFTER_BULK_MS = 61_000;

const connectionString = env['TWINWARD_TEST_HUB'] ?? '';

describeHubContract('a real hub, named by TWINWARD_TEST_HUB', () => openRealHub(connectionString), {
  isSkipped: connectionString === '',
  timeoutMs: 30 * 60_000,
});

const eventsConnectionString = env['TWINWARD_TEST_EVENTS'] ?? '';

describeFeedContract(
  'a real hub, named by TWINWARD_TEST_EVENTS',
  async () => {
    const { others, prefix, close } = await openRealHub(connectionString);
    const [, hostName = ''] = /HostName=([^;]+)/.exec(connectionString) ?? [];
    return {
      feed: eventHubFeed({
        connectionString: eventsConnectionString,
        timeoutMs: 60_000,
        lossNoticedMs: 3_000,
        clock: systemClock,
      }),
      others,
      hubName: hubNameOf(hostName),
      prefix,
      secrets: [],
      cut: undefined,
      close,
    };
  },
  { isSkipped: connectionString === '' || eventsConnectionString === '', timeoutMs: 5 * 60_000 },
);

async function openRealHub(text: string): Promise<HubUnderTest> {
  const parsed = parseConnectionString(text);
  invariant('hostName' in parsed, 'TWINWARD_TEST_HUB holds a connection string of a hub');
  const registry = iothub.Registry.fromConnectionString(text);
  const hub = connectIotHub({
    hostName: parsed.hostName.toLowerCase(),
    credential: { type: 'ConnectionString', connectionString: text },
    timeoutMs: 60_000,
    concurrency: 4,
    clock: systemClock,
  });
  const prefix = `${RESERVED}${systemClock.now().toString(36)}-`;
  const made = new Set<string>();
  let lastWriteAtMs = systemClock.now();
  return {
    hub,
    others: realWriters(registry, made, () => {
      lastWriteAtMs = systemClock.now();
    }),
    prefix,
    secrets: [/SharedAccessKey=([^;]+)/.exec(text)?.[1] ?? text, 'SharedAccessSignature'],
    waitForLists: async () => {
      if (systemClock.now() - lastWriteAtMs > LIST_LAG_MS_MAX) return false;
      await sleep(LIST_PAUSE_MS);
      return true;
    },
    close: async () => {
      hub.close();
      for (const deviceIds of batches([...made])) {
        const devices = deviceIds.map((deviceId) => ({ deviceId, etag: '*' }));
        await registry.removeDevices(devices, true).catch(unlessGone);
        await sleep(deviceIds.length < BULK_MAX ? 0 : PAUSE_AFTER_BULK_MS);
      }
    },
  };
}

function realWriters(registry: iothub.Registry, made: Set<string>, onWrite: () => void): OtherWriters {
  return {
    createDevices: async (devices) => {
      for (const batch of batches(devices)) {
        for (const { deviceId } of batch) made.add(deviceId);
        await registry.addDevices(batch.map(toIdentity));
        await sleep(batch.length < BULK_MAX ? 0 : PAUSE_AFTER_BULK_MS);
      }
      for (const { deviceId, tags, modules = [], managedBy } of devices) {
        if (tags !== undefined) await registry.updateTwin(deviceId, { tags }, '*');
        for (const moduleId of modules)
          await registry.addModule({ deviceId, moduleId, ...(managedBy === undefined ? {} : { managedBy }) });
      }
      onWrite();
    },
    adopt: (deviceId) => void made.add(deviceId),
    deleteDevice: async (deviceId) => {
      await registry.delete(deviceId);
      made.delete(deviceId);
    },
    deleteModule: async ({ deviceId, moduleId }) => {
      await registry.removeModule(deviceId, moduleId);
    },
    patchModuleTwin: async ({ deviceId, moduleId }, patch) => {
      await registry.updateModuleTwin(deviceId, moduleId, patch, '*');
      onWrite();
    },
    createConfiguration: async (id, configuration) => {
      await registry.addConfiguration({ ...configuration, id } as iothub.Configuration);
    },
    deleteConfiguration: async (id) => {
      await registry.removeConfiguration(id);
    },
  };
}

/** A bulk call removes what it can; some were the port's to delete. */
function unlessGone(error: Error & { readonly responseBody?: string }): void {
  const { errors } = JSON.parse(error.responseBody ?? '{}') as { errors?: { readonly errorCode: string }[] };
  if (errors?.every(({ errorCode }) => errorCode === 'DeviceNotFound') !== true) throw error;
}

function toIdentity({ deviceId, status = 'enabled', iotEdge = false }: DeviceToMake): {
  deviceId: string;
  status: 'enabled' | 'disabled';
  capabilities: { iotEdge: boolean };
} {
  return { deviceId, status, capabilities: { iotEdge } };
}

function batches<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / BULK_MAX) }, (_, index) =>
    items.slice(index * BULK_MAX, (index + 1) * BULK_MAX),
  );
}
