// Prints what a hub answers to a pass over a configured fleet, a line each: the keys of hidden drift, then pages of devices
// and pages of module twins, as `devices` and `twins` lines say how many.
import { writeSync } from 'node:fs';
import { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import { converge, createManualClock, hideDrift, HOST_NAME, pagesOf, SEED, START_MS } from '../fleet.ts';

const [devices = 0, drifted = 0] = process.argv.slice(2).map(Number);
const clock = createManualClock(START_MS);
const hub = new IotHub({ hostName: HOST_NAME, clock, random: createSeededRandom(SEED) });
converge(hub, devices, clock);
print(JSON.stringify([...hideDrift(hub, drifted)]));
for (const page of pagesOf(hub, 'SELECT deviceId, status, tags, capabilities FROM devices'))
  print(JSON.stringify(page));
print('');
for (const page of pagesOf(hub, 'SELECT * FROM devices.modules')) print(JSON.stringify(page));

function print(line: string): void {
  const bytes = Buffer.from(`${line}\n`);
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}
