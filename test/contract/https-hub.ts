// The embedded hub behind HTTPS on loopback, and the port that reaches it through the real SDK.
import { connectIotHub, type IotHubOptions } from '../../src/adapters/iot-hub.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import type { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { connectionString } from '../../src/emulator/rest/policies.ts';
import { serveHub } from '../../src/emulator/server.ts';
import { openHub } from '../../src/emulator/store/open-hub.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { Hub } from '../../src/ports/hub.ts';

export const HTTPS_HOST = 'acme-contract.azure-devices.net';

export interface HttpsHub {
  readonly hub: Hub;
  readonly embedded: IotHub;
  readonly options: IotHubOptions;
  /** The key in the connection string. */
  readonly secret: string;
  close(): Promise<void>;
}

/** The SDK signs with the machine's clock, so the hub lives in the same time. */
export async function openHttpsHub(): Promise<HttpsHub> {
  const clock = systemClock;
  const opened = await openHub({ hostName: HTTPS_HOST, clock, random: createSeededRandom(1) });
  const { hub: embedded, policies, certificate } = opened;
  const server = await serveHub({ hub: embedded, policies, clock, certificate, port: 0 });
  const text = connectionString(HTTPS_HOST, policies, 'iothubowner') ?? '';
  const options: IotHubOptions = {
    hostName: HTTPS_HOST,
    endpoint: server.endpoint,
    ca: certificate.authority,
    credential: { type: 'ConnectionString', connectionString: text },
    timeoutMs: 20_000,
    concurrency: 8,
    clock,
  };
  const hub = connectIotHub(options);
  return {
    hub,
    embedded,
    options,
    secret: text.slice(text.lastIndexOf('SharedAccessKey=') + 'SharedAccessKey='.length),
    close: async () => {
      hub.close();
      await server.close();
      opened.close();
    },
  };
}
