// Planning a fleet by full comparison, compared with JSON.parse of the same pages.
import { asTwin, deviceFacts, type DeviceFacts, type Twin } from '../src/model/twin.ts';
import { declare, plannerFor, START_MS } from './fleet.ts';
import { atMost, cpuMs, exactly, linesOf, median, note, pathOf, type Figure } from './measure.ts';

/** One device in a hundred has no module. */
const DEVICES = 101_010;
const DRIFTED = 1_000;
const ROUNDS = 5;
const RATIO_MAX = 1.5;

export async function benchPlan(): Promise<readonly Figure[]> {
  const lines = await linesOf(pathOf('children/pages.ts'), [String(DEVICES), String(DRIFTED)]);
  const [first = '[]'] = lines;
  const gap = lines.indexOf('');
  const drifted = new Set(JSON.parse(first) as string[]);
  const devices = new Map(lines.slice(1, gap).flatMap(parseDevices));
  const pages = lines.slice(gap + 1);
  const planner = plannerFor(declare());

  function parseAll(): number {
    let rows = 0;
    for (const page of pages) rows += (JSON.parse(page) as unknown[]).length;
    return rows;
  }

  /** Like a pass: shape, device, target, plan. */
  function planAll(): string[] {
    const found: string[] = [];
    for (const page of pages) {
      for (const row of JSON.parse(page) as unknown[]) {
        const twin = asTwin(row);
        const device = twin === undefined ? undefined : devices.get(twin.deviceId);
        if (twin?.moduleId === undefined || device === undefined) throw new Error('a row is no twin of the fleet');
        const target = planner.targetFor(device, twin.moduleId);
        const action = planner.plan(target, device, twin, START_MS);
        if (action.type !== 'Equal') found.push(`${twin.deviceId}/${twin.moduleId}`);
      }
    }
    return found;
  }

  const twins = parseAll();
  const found = planAll();
  const hits = found.filter((key) => drifted.has(key)).length;
  const rounds = Array.from({ length: ROUNDS }, () => ({ parse: cpuOf(parseAll), plan: cpuOf(planAll) }));
  const parse = median(rounds.map((round) => round.parse));
  const plan = median(rounds.map((round) => round.plan));
  const bytes = pages.reduce((sum, page) => sum + page.length, 0);
  const perTwin = (ms: number): string => `${((ms / twins) * 1_000).toFixed(1)} µs`;
  return [
    note('twins in pages of 100, bytes a twin', `${twins}, ${Math.round(bytes / twins)}`),
    note('CPU a twin: JSON.parse alone', perTwin(parse)),
    note('CPU a twin: JSON.parse and plan', perTwin(plan)),
    atMost('parse and plan / parse', median(rounds.map((round) => round.plan / round.parse)), RATIO_MAX, '×'),
    exactly('hidden drift found', hits, drifted.size),
    exactly('others reported', found.length - hits, 0),
  ];
}

function parseDevices(page: string): (readonly [string, DeviceFacts])[] {
  return (JSON.parse(page) as Twin[]).map((row) => [row.deviceId, deviceFacts(row)] as const);
}

function cpuOf(run: () => unknown): number {
  const before = cpuMs();
  run();
  return cpuMs() - before;
}
