// `npm run soak -- [--devices N] [--hours N] [--seed S]`: the heap over a day, which must not grow once it has settled.
import { parseArgs } from 'node:util';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { liveADay, type Hour } from './day.ts';

/** Of the second half. An hour has some 3,000 writes: what is kept of each for good must be less than 50 bytes. */
const SLOPE_BYTES_MAX = 150_000;

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '2000' },
    hours: { type: 'string', default: '24' },
    seed: { type: 'string', default: '1' },
  },
});
const startedAtMs = systemClock.now();
const { hours, commits, happenings, passes, status } = await liveADay({
  seed: Number(values.seed),
  devices: Number(values.devices),
  hours: Number(values.hours),
  onHour: ({ hour, heapBytes, writes }) =>
    process.stdout.write(
      `${String(hour).padStart(3)} h   ${(heapBytes / 1e6).toFixed(2).padStart(7)} MB   ${String(writes).padStart(7)} writes\n`,
    ),
});
const slope = slopeOf(hours.slice(Math.floor(hours.length / 2)));
const ready = status.conditions.find(({ type }) => type === 'Ready');
const isFlat = slope <= SLOPE_BYTES_MAX;
const seconds = Math.round((systemClock.now() - startedAtMs) / 1_000);
process.stdout.write(
  `${values.hours} hours of ${values.devices} devices, seed ${values.seed}, in ${seconds} s: ${passes} passes, ${status.writes} writes, ` +
    `${commits} commits, ${happenings} happenings; at the end ${String(ready?.reason)}: ${String(ready?.message)}\n` +
    `slope of the last half ${(slope / 1e3).toFixed(1)} kB an hour, at most ${SLOPE_BYTES_MAX / 1e3}: ${isFlat ? 'flat' : 'FAILED'}\n`,
);
process.exitCode = isFlat ? 0 : 1;

/**
 * The median of all slopes between two hours, in bytes per hour, so that a single hour of V8 compaction does not tilt
 * the line.
 */
function slopeOf(points: readonly Hour[]): number {
  const slopes = points.flatMap((a, index) =>
    points.slice(index + 1).map((b) => (b.heapBytes - a.heapBytes) / (b.hour - a.hour)),
  );
  return slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? Number.NaN;
}
