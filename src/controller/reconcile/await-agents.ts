// After a write: asks the twins again until their agents have answered, those who can.
import { deviceFacts, type AcknowledgementState, type DeviceFacts, type ModuleRef } from '../../model/twin.ts';
import type { Planner } from '../../plan/planner.ts';
import type { Target } from '../../plan/target/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Twins } from '../../ports/hub.ts';
import { Alarm } from '../queue/alarm.ts';
import { keyOf } from '../../model/twin-key.ts';
import { orMissing } from '../queue/optional-read.ts';
import { stateOf } from '../twins/twin-state.ts';

interface AwaitOptions {
  readonly hub: Twins;
  readonly planner: Planner;
  readonly clock: Clock;
  /** Ends the wait; what is not answered by then is waiting. */
  readonly signal: AbortSignal;
  /** Twins that were written. */
  readonly refs: readonly ModuleRef[];
  readonly timeoutMs: number;
  readonly onProgress?: (waiting: number, total: number) => void;
}

/**
 * What became of a write: the agent's word, `Written` where its agent never answers, `Changed` where somebody else wrote
 * meanwhile, `Waiting` where the time was up. Devices that are not connected are not waited for.
 */
export type AgentAnswer = AcknowledgementState | 'Changed' | 'Waiting';

export interface AgentResult {
  readonly ref: ModuleRef;
  readonly answer: AgentAnswer;
  /** The agent's own words, where it gave any. */
  readonly detail: string | undefined;
}

const FIRST_WAIT_MS = 1_000;
const WAIT_GROWTH = 1.5;
const WAIT_MS_MAX = 30_000;
/** Reads at the same time. */
const CONCURRENCY = 8;

/** One result for each twin. Rejects with HubError where a read fails. */
export async function awaitAgents(options: AwaitOptions): Promise<AgentResult[]> {
  const { clock, refs, timeoutMs, signal, onProgress } = options;
  const untilMs = clock.now() + timeoutMs;
  const alarm = new Alarm(clock);
  const ring = (): void => alarm.ring();
  signal.addEventListener('abort', ring, { once: true });
  const devices = new Map<string, DeviceFacts>();
  const results: AgentResult[] = [];
  let waiting = refs;
  let waitMs = FIRST_WAIT_MS;
  try {
    while (waiting.length > 0 && !signal.aborted) {
      const answers = await askAll(options, waiting, devices);
      results.push(...answers.filter(({ answer }) => answer !== 'Waiting'));
      waiting = answers.filter(({ answer }) => answer === 'Waiting').map(({ ref }) => ref);
      onProgress?.(waiting.length, refs.length);
      const leftMs = untilMs - clock.now();
      if (waiting.length === 0 || leftMs <= 0) break;
      await alarm.wait(Math.min(waitMs, leftMs));
      waitMs = Math.min(WAIT_MS_MAX, waitMs * WAIT_GROWTH);
    }
  } finally {
    signal.removeEventListener('abort', ring);
  }
  return [...results, ...waiting.map((ref): AgentResult => ({ ref, answer: 'Waiting', detail: undefined }))];
}

async function askAll(
  options: AwaitOptions,
  refs: readonly ModuleRef[],
  devices: Map<string, DeviceFacts>,
): Promise<AgentResult[]> {
  const answers = new Map<string, AgentResult>();
  const left = refs.values();
  async function work(): Promise<void> {
    for (const ref of left) answers.set(keyOf(ref.deviceId, ref.moduleId), await ask(options, ref, devices));
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return [...answers.values()];
}

async function ask(
  { hub, planner, clock, signal }: AwaitOptions,
  ref: ModuleRef,
  devices: Map<string, DeviceFacts>,
): Promise<AgentResult> {
  const twin = await orMissing(hub.getModuleTwin(ref, signal));
  const deviceTwin = devices.has(ref.deviceId) ? undefined : await orMissing(hub.getDeviceTwin(ref.deviceId, signal));
  if (deviceTwin !== undefined) devices.set(ref.deviceId, deviceFacts(deviceTwin));
  const device = devices.get(ref.deviceId);
  if (twin === undefined || device === undefined) return { ref, answer: 'Changed', detail: 'the module is gone' };
  const target = planner.targetFor(device, ref.moduleId);
  const nowMs = clock.now();
  const state = stateOf(planner.plan(target, device, twin, nowMs), target, twin, nowMs);
  if (state?.acknowledgement === undefined) return { ref, answer: 'Changed', detail: state?.detail };
  const isOpen = state.acknowledgement === 'Written' && answers(target);
  return { ref, answer: isOpen ? 'Waiting' : state.acknowledgement, detail: state.detail };
}

/** False where no agent of the twin ever says what it made of its settings. */
function answers({ profiles }: Target): boolean {
  return profiles.some(({ acknowledgement }) => acknowledgement.type !== 'None');
}
