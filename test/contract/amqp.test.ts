// The contract of the change feed on the event endpoint of the embedded hub, through the real client.
import { eventHubFeed } from '../../src/adapters/event-hub.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { serveEvents } from '../../src/emulator/events/amqp-server.ts';
import { EventLog } from '../../src/emulator/events/event-log.ts';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { createPolicies } from '../../src/emulator/rest/policies.ts';
import { hubNameOf } from '../../src/model/hub-name.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { createTestClock } from '../support/test-clock.ts';
import { embeddedWriters } from './embedded-writers.ts';
import { describeFeedContract } from './feed-contract.ts';

describeFeedContract('the embedded hub over AMQP', async () => {
  // The client signs with the machine's clock, so the hub starts at the same time.
  const clock = createTestClock(systemClock.now());
  const hostName = 'acme-contract.azure-devices.net';
  const hub = new IotHub({ hostName, clock, random: createSeededRandom(1) });
  const log = new EventLog({ createdAtMs: clock.now() });
  hub.listen((event) => log.append(event));
  const events = await serveEvents({ log, hostName, policies: createPolicies(createSeededRandom(2)), clock, port: 0 });
  const connectionString = events.connectionString('service') ?? '';
  return {
    feed: eventHubFeed({ connectionString, timeoutMs: 10_000, lossNoticedMs: 50, clock: systemClock }),
    others: embeddedWriters(hub),
    hubName: hubNameOf(hostName),
    prefix: 'contract-',
    secrets: [/SharedAccessKey=([^;]+)/.exec(connectionString)?.[1] ?? connectionString, 'SharedAccessSignature'],
    cut: () => events.close(),
    close: () => events.close(),
  };
});
