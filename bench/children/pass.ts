// The controller in its own process, through its first pass over a hub and all the work that follows; with `idle`, the
// same process without any work. Prints its peak memory and its counts.
import 'azure-iothub';
import { connectIotHub } from '../../src/adapters/iot-hub.ts';
import { meteredHub } from '../../src/adapters/metered-hub.ts';
import { prometheusMetrics } from '../../src/adapters/prometheus-metrics.ts';
import { systemClock as clock } from '../../src/adapters/system-clock.ts';
import { systemRandom as random } from '../../src/adapters/system-random.ts';
import { startController } from '../../src/controller/controller.ts';
import type { Log } from '../../src/ports/log.ts';
import { HOST_NAME, declare } from '../fleet.ts';
import { FLEET_SOURCE } from '../sources.ts';

interface Access {
  readonly endpoint: string;
  readonly ca: string;
  readonly connectionString: string;
}

const TIMEOUT_MS = 30_000;
const CONNECTIONS_MAX = 32;
const POLL_MS = 100;

const [access = 'idle'] = process.argv.slice(2);
const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const result = access === 'idle' ? idle() : await pass(JSON.parse(access) as Access);
console.log(JSON.stringify({ peakBytes: process.resourceUsage().maxRSS * 1_024, ...result }));

function idle(): object {
  return { revision: declare().revision };
}

async function pass({ endpoint, ca, connectionString }: Access): Promise<object> {
  const metrics = prometheusMetrics();
  const credential = { type: 'ConnectionString', connectionString } as const;
  const common = { hostName: HOST_NAME, timeoutMs: TIMEOUT_MS, concurrency: CONNECTIONS_MAX, clock };
  const hub = meteredHub(connectIotHub({ ...common, endpoint, ca, credential }), { metrics, clock, host: HOST_NAME });
  const bytes = Buffer.from(FLEET_SOURCE);
  const snapshot = { revision: 'sha256:bench', files: [{ path: 'bench.yaml', bytes }], partial: false };
  const controller = startController({
    source: { read: async () => snapshot, watch: async () => async () => {} },
    connect: async () => ({ hub, mode: 'Enforce' }),
    clock,
    random,
    log: silent,
    metrics,
  });
  await controller.ready;
  while (controller.status().hubs.some(({ pending }) => pending > 0)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const [status] = controller.status().hubs;
  await controller.stop();
  return {
    writes: status?.writes,
    twins: status?.counts.twins,
    devices: status?.counts.devices,
    equal: status?.counts.actions.Equal,
  };
}
