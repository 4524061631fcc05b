// Kills a hub under load and starts it again, over and over: what it answered must be there, and nothing half.
import { deepEqual, type Json, type JsonObject } from '../../src/model/json.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { Random } from '../../src/ports/random.ts';
import { type Answer, type HubProcess, startHub } from './hub-process.ts';

export interface CrashOptions {
  readonly folder: string;
  readonly seed: number;
  readonly rounds: number;
  /** Each works on a device of its own, one call after the other. */
  readonly workers: number;
  /** Most answered writes before a round's crash. */
  readonly writesMax: number;
  /** Of padding in each written twin: the more, the sooner a snapshot is due. */
  readonly paddingBytes: number;
}

export interface CrashReport {
  readonly answered: number;
  /** Writes that the crash left without an answer, and how many of them had landed. */
  readonly open: number;
  readonly landed: number;
  /** Sentences; none where all is well. */
  readonly violations: readonly string[];
}

const ANY = { 'if-match': '"*"' };
const PADDINGS = 4;
const PADDING_LENGTH_MAX = 4000;

/** What is known of one item in the hub: as last answered, and as an unanswered write may have left it. */
interface Known {
  readonly path: string;
  /** Undefined where it does not exist. */
  answered: JsonObject | undefined;
  /** Absent where no write is open. */
  open?: { readonly fits: (found: JsonObject | undefined) => boolean };
}

interface Worker {
  readonly device: Known;
  readonly twin: Known;
  readonly module: Known;
  readonly moduleTwin: Known;
  readonly configuration: Known;
  count: number;
}

export async function crashRepeatedly(options: CrashOptions): Promise<CrashReport> {
  const { folder, seed, rounds, workers: count, writesMax } = options;
  const random = createSeededRandom(seed);
  const workers = Array.from({ length: count }, (_, index) => createWorker(`crash-${seed}-${index}`));
  const sums = { answered: 0, open: 0, landed: 0 };
  const violations: string[] = [];
  for (let round = 0; round <= rounds && violations.length === 0; round += 1) {
    const hub = await startHub(folder);
    for (const known of workers.flatMap((worker) => thingsOf(worker))) {
      const { problem, wasOpen, hasLanded } = await check(hub, known);
      if (problem !== undefined) violations.push(`after ${round} crashes: ${problem}`);
      if (wasOpen) sums.open += 1;
      if (hasLanded) sums.landed += 1;
    }
    // The last round only checks what the previous crash left.
    if (round === rounds) {
      await hub.kill('SIGTERM');
      break;
    }
    const last = Math.ceil(random.next() * writesMax);
    let answered = 0;
    let killed: Promise<void> | undefined;
    const onAnswer = (): void => {
      answered += 1;
      if (answered === last) killed = hub.kill('SIGKILL');
    };
    const surprises = await Promise.all(
      workers.map((worker) => work(hub, worker, random, options.paddingBytes, onAnswer)),
    );
    await (killed ?? hub.kill('SIGKILL'));
    violations.push(...surprises.filter((surprise) => surprise !== undefined));
    sums.answered += answered;
    if (hub.complaints() !== '') violations.push(`before crash ${round + 1} the hub complained: ${hub.complaints()}`);
  }
  return { ...sums, violations };
}

function createWorker(deviceId: string): Worker {
  const known = (path: string): Known => ({ path, answered: undefined });
  return {
    device: known(`/devices/${deviceId}`),
    twin: known(`/twins/${deviceId}`),
    module: known(`/devices/${deviceId}/modules/m`),
    moduleTwin: known(`/twins/${deviceId}/modules/m`),
    configuration: known(`/configurations/${deviceId}`),
    count: 0,
  };
}

function thingsOf({ device, twin, module, moduleTwin, configuration }: Worker): Known[] {
  return [device, twin, module, moduleTwin, configuration];
}

interface Checked {
  readonly problem: string | undefined;
  readonly wasOpen: boolean;
  readonly hasLanded: boolean;
}

/** Takes what is found for what is known from now on. */
async function check(hub: HubProcess, known: Known): Promise<Checked> {
  const { answered, open, path } = known;
  const { status, body } = await hub.call('GET', path);
  const found = status === 200 ? body : undefined;
  const isAsAnswered = deepEqual(withoutMetrics(found), withoutMetrics(answered));
  const hasLanded = !isAsAnswered && open?.fits(found) === true;
  known.answered = found;
  delete known.open;
  const problem =
    isAsAnswered || hasLanded
      ? undefined
      : `${path} is ${JSON.stringify(found)?.slice(0, 400)}; answered was ${JSON.stringify(answered)?.slice(0, 400)}`;
  return { problem, wasOpen: open !== undefined, hasLanded };
}

/** Metrics of configurations change without a write. */
function withoutMetrics(body: JsonObject | undefined): Json {
  if (body === undefined) return null;
  const { systemMetrics: _system, metrics: _custom, ...rest } = body;
  return rest;
}

/** Until the hub is killed; fails if it returns a wrong answer. */
async function work(
  hub: HubProcess,
  worker: Worker,
  random: Random,
  paddingBytes: number,
  onAnswer: () => void,
): Promise<string | undefined> {
  for (;;) {
    try {
      await step(hub, worker, random, paddingBytes);
    } catch (error) {
      return error instanceof UnexpectedAnswer ? error.message : undefined;
    }
    onAnswer();
  }
}

/** One write. Rejects without an answer. */
async function step(hub: HubProcess, worker: Worker, random: Random, paddingBytes: number): Promise<void> {
  const { device, twin, module, moduleTwin, configuration } = worker;
  worker.count += 1;
  const mark = worker.count;
  const padding = Object.fromEntries(
    Array.from({ length: PADDINGS }, (_, index) => [
      `p${index}`,
      `${mark}`.padEnd(Math.min(PADDING_LENGTH_MAX, paddingBytes / PADDINGS), 'x'),
    ]),
  );
  const patch = { tags: { mark }, properties: { desired: { mark, ...padding } } };
  if (device.answered === undefined) return create(hub, device, twin, { statusReason: `r${mark}` });
  if (module.answered === undefined) return create(hub, module, moduleTwin, { managedBy: `r${mark}` });
  const dice = random.next();
  if (dice < 0.4) return write(hub, moduleTwin, 'PATCH', patch, hasMark(mark));
  if (dice < 0.6) return write(hub, twin, 'PATCH', patch, hasMark(mark));
  if (dice < 0.7) return write(hub, twin, 'PUT', { tags: { mark } }, hasMark(mark));
  if (dice < 0.8) {
    const content = { deviceContent: { 'properties.desired.never': 1 } };
    const body = { id: configuration.path.split('/').at(-1), content, priority: mark, targetCondition: '' };
    const fits = (found: JsonObject | undefined): boolean => found?.['priority'] === mark;
    if (configuration.answered === undefined) return write(hub, configuration, 'PUT', body, fits);
    return write(hub, configuration, 'PUT', body, fits, ANY);
  }
  if (dice < 0.85 && configuration.answered !== undefined) return remove(hub, [configuration]);
  if (dice < 0.9) return remove(hub, [module, moduleTwin]);
  if (dice < 0.93) return remove(hub, [device, twin, module, moduleTwin]);
  return rekey(hub, device, twin, mark);
}

function hasMark(mark: number): (found: JsonObject | undefined) => boolean {
  return (found) => (found?.['tags'] as JsonObject | undefined)?.['mark'] === mark;
}

async function write(
  hub: HubProcess,
  known: Known,
  method: string,
  body: unknown,
  fits: (found: JsonObject | undefined) => boolean,
  headers?: Readonly<Record<string, string>>,
): Promise<void> {
  known.open = { fits };
  const answer = expectOk(await hub.call(method, known.path, body, headers));
  delete known.open;
  known.answered = answer.body;
}

/** An identity, and its twin with it. */
async function create(hub: HubProcess, identity: Known, twin: Known, body: JsonObject): Promise<void> {
  const fits = (found: JsonObject | undefined): boolean => found !== undefined;
  identity.open = { fits };
  twin.open = { fits };
  identity.answered = expectOk(await hub.call('PUT', identity.path, body)).body;
  delete identity.open;
  // The twin exists by now; what it is must be asked, and no answer means no more than that it exists.
  twin.answered = expectOk(await hub.call('GET', twin.path)).body;
  delete twin.open;
}

async function remove(hub: HubProcess, gone: readonly Known[]): Promise<void> {
  for (const known of gone) known.open = { fits: (found) => found === undefined };
  const [first] = gone;
  if (first === undefined) return;
  expectOk(await hub.call('DELETE', first.path, undefined, ANY));
  for (const known of gone) {
    known.answered = undefined;
    delete known.open;
  }
}

/** New keys for the device: its twin names the new etag too. */
async function rekey(hub: HubProcess, device: Known, twin: Known, mark: number): Promise<void> {
  const before = twin.answered;
  device.open = { fits: (found) => found?.['statusReason'] === `r${mark}` };
  twin.open = { fits: (found) => found?.['statusReason'] === `r${mark}` && found['etag'] === before?.['etag'] };
  device.answered = expectOk(await hub.call('PUT', device.path, { statusReason: `r${mark}` }, ANY)).body;
  delete device.open;
  twin.answered = expectOk(await hub.call('GET', twin.path)).body;
  delete twin.open;
}

function expectOk(answer: Answer): Answer {
  if (answer.status >= 300) throw new UnexpectedAnswer(answer);
  return answer;
}

class UnexpectedAnswer extends Error {
  constructor({ status, body }: Answer) {
    super(`${status} ${JSON.stringify(body)}`);
  }
}
