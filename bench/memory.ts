// Peak memory of the controller over a large fleet, above the same process idle. The hub runs in another process.
import { spawn } from 'node:child_process';
import { atMost, exactly, firstLineOf, linesOf, median, note, pathOf, type Figure } from './measure.ts';

const DEVICES = 100_000;
const DRIFTED = 1_000;
/** One device in a hundred has none; every device has a place for each kind. */
const WITH_MODULE = 99_000;
const IDLE_RUNS = 3;
const PEAK_MB_MAX = 300;

interface PassFigures {
  readonly peakBytes: number;
  readonly writes: number;
  readonly devices: number;
  readonly twins: number;
  readonly equal: number;
}

export async function benchMemory(): Promise<readonly Figure[]> {
  const hub = spawn(process.execPath, [pathOf('children/hub.ts'), String(DEVICES), String(DRIFTED)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const access = await firstLineOf(hub);
    const idle: number[] = [];
    for (let run = 0; run < IDLE_RUNS; run += 1) idle.push((await runPass('idle')).peakBytes);
    const startedAtMs = performance.now();
    const { peakBytes, devices, twins, writes, equal } = await runPass(access);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const idleMb = median(idle) / 1e6;
    return [
      note('devices, twins looked after', `${devices}, ${twins}`),
      note('the process idle', `${idleMb.toFixed(0)} MB`),
      note('peak of the pass', `${(peakBytes / 1e6).toFixed(0)} MB`),
      note('time of the pass', `${seconds.toFixed(1)} s`),
      atMost('peak above idle', peakBytes / 1e6 - idleMb, PEAK_MB_MAX, ' MB'),
      exactly('patches for the hidden drift', writes, DRIFTED),
      exactly('twins in sync afterwards', equal, WITH_MODULE),
    ];
  } finally {
    hub.stdin.end();
  }
}

async function runPass(access: string): Promise<PassFigures> {
  const [line = ''] = await linesOf(pathOf('children/pass.ts'), [access]);
  return JSON.parse(line) as PassFigures;
}
