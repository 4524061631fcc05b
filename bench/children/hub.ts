// A hub of its own process over HTTPS, with a configured fleet and some hidden drift. Prints how to reach it once it is
// ready, and ends with its standard input.
import { systemClock } from '../../src/adapters/system-clock.ts';
import { systemRandom } from '../../src/adapters/system-random.ts';
import { connectionString } from '../../src/emulator/rest/policies.ts';
import { serveHub } from '../../src/emulator/server.ts';
import { openHub } from '../../src/emulator/store/open-hub.ts';
import { converge, createManualClock, hideDrift, HOST_NAME } from '../fleet.ts';

const [devices = 0, drifted = 0] = process.argv.slice(2).map(Number);
const clock = createManualClock(systemClock.now());
const { hub, policies, certificate } = await openHub({ hostName: HOST_NAME, clock, random: systemRandom });
converge(hub, devices, clock);
hideDrift(hub, drifted);
const { endpoint } = await serveHub({ hub, policies, clock: systemClock, certificate, port: 0 });
const secret = connectionString(HOST_NAME, policies, 'iothubowner');
console.log(JSON.stringify({ endpoint, ca: certificate.authority, connectionString: secret }));
process.stdin.resume().once('end', () => process.exit());
