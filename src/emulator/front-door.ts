// Every client call passes here: throttling, counters and configured faults, before and after the hub executes it.
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { type HubAction, performAction } from './faults/actions.ts';
import type { CallFault, FaultMoment } from './faults/fault.ts';
import { FaultPlan } from './faults/fault-plan.ts';
import { sourceOfQuery, spoilPage } from './faults/pages.ts';
import { hubNameOf } from '../model/hub-name.ts';
import type { IotHub } from './hub/iot-hub.ts';
import type { QueryOptions, QueryPage } from './hub/query/query.ts';
import { ServiceError, throttled } from './hub/service-error.ts';
import { type Counters, isMetered, Meter } from './throttles/meter.ts';
import { type Operation, typeOf } from './throttles/operations.ts';
import { Throttles, type ThrottleSettings } from './throttles/throttles.ts';
import { messageBytes } from './throttles/tiers.ts';

/** Thrown instead of an answer: the client's connection is cut, whether or not the hub executed the call. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';

  constructor(moment: FaultMoment) {
    super(`A configured fault cut the connection ${moment} the call was executed.`);
  }
}

export interface Call<T> {
  readonly operation: Operation;
  /** The hub's own work. A refusal is a thrown ServiceError, or an answer with its status. */
  readonly run: () => T | Promise<T>;
  readonly statusOf: (answer: T) => number;
  readonly bytesOf: (answer: T) => CallBytes;
}

/** Sizes of the bodies. */
export interface CallBytes {
  readonly request: number;
  readonly answer: number;
}

export interface FrontDoorOptions {
  readonly hub: IotHub;
  readonly clock: Clock;
  /** For faults with a probability. */
  readonly random: Random;
  readonly throttle?: ThrottleSettings | undefined;
  /** False: do not measure bodies, so calls cost no message of the quota; for simulations with millions of them. */
  readonly isMetered?: boolean;
}

const TOO_MANY_REQUESTS = 429;

/** The operation of a query page; only its class matters. */
const QUERY: Operation = { class: 'queries', isWrite: false, path: '/devices/query' };

/** The REST app and the in-process port share one, so that limits and faults belong to the hub, not to a client. */
export class FrontDoor {
  readonly faults: FaultPlan;
  /** Added to the clock that checks tokens: makes valid ones expire. */
  clockSkewMs = 0;
  readonly #hub: IotHub;
  readonly #clock: Clock;
  readonly #meter = new Meter();
  readonly #isMetered: boolean;
  /** Cancel functions of waiting calls. */
  readonly #waits = new Set<() => void>();
  #throttles: Throttles | undefined;

  constructor({ hub, clock, random, throttle, isMetered = true }: FrontDoorOptions) {
    this.#hub = hub;
    this.#clock = clock;
    this.#isMetered = isMetered;
    this.faults = new FaultPlan(random);
    this.setThrottle(throttle);
  }

  get throttle(): ThrottleSettings | undefined {
    return this.#throttles?.settings;
  }

  /** Undefined: no limits. Each class starts with a full bucket. */
  setThrottle(settings: ThrottleSettings | undefined): void {
    this.#throttles = settings === undefined ? undefined : new Throttles(settings);
  }

  get counters(): Counters {
    return this.#meter.read(this.#clock.now());
  }

  /** Messages of the quota spent by all calls; a reset of the counters does not reset it. */
  get messagesSpent(): number {
    return this.#meter.messagesSpent;
  }

  resetCounters(): void {
    this.#meter.reset();
  }

  /**
   * Rejects with the hub's refusals, with 429 or 403 by its limits, and with configured faults, ConnectionCut included.
   */
  async pass<T>(call: Call<T>): Promise<T> {
    const operations = call.operation.class;
    this.#meter.add(operations, 'calls');
    try {
      const { answer, status } = await this.#carry(call);
      this.#meter.add(operations, endOf(status));
      return answer;
    } catch (error) {
      if (error instanceof ConnectionCut) this.#meter.add(operations, 'cut');
      else this.#meter.add(operations, endOf(error instanceof ServiceError ? error.status : Infinity));
      throw error;
    }
  }

  /**
   * Resolves at the call's turn. `pass` calls it itself, except for a bulk, whose number of entries only its reader
   * knows.
   */
  async admit(operation: Operation, cost: number): Promise<void> {
    if (this.#throttles === undefined) return;
    const now = this.#clock.now();
    const { dailyMessages } = this.#throttles;
    const used = this.#meter.messagesToday(now);
    if (isMetered(operation) && used >= dailyMessages) throw quotaExceeded(this.#hub.hostName, used, dailyMessages);
    const waitMs = this.#throttles.reserve(operation.class, now, cost);
    if (waitMs === undefined) throw throttled(typeOf(operation));
    if (waitMs === 0) return;
    this.#meter.add(operation.class, 'queued');
    await this.#wait(waitMs);
  }

  /** Must be called within `pass`. */
  query(text: string, options: QueryOptions): QueryPage {
    const fault = this.faults.isEmpty ? undefined : this.faults.drawPage(QUERY, sourceOfQuery(text));
    if (fault === undefined) return this.#hub.query(text, options);
    this.#meter.add('queries', 'faults');
    return spoilPage(fault, (next) =>
      this.#hub.query(text, next === undefined ? options : { ...options, continuation: next }),
    );
  }

  /** False if the action's target does not exist. */
  perform(action: HubAction): boolean {
    return performAction(this.#hub, action);
  }

  /** Waiting calls never get an answer. Idempotent. */
  close(): void {
    for (const cancel of this.#waits) cancel();
    this.#waits.clear();
  }

  async #carry<T>({ operation, run, statusOf, bytesOf }: Call<T>): Promise<{ answer: T; status: number }> {
    const faults = this.faults.isEmpty ? [] : this.faults.drawCall(operation);
    if (faults.length > 0) this.#meter.add(operation.class, 'faults');
    await this.#strike(faults, 'before', operation);
    if (operation.isBulk !== true) await this.admit(operation, 1);
    const ended = await settle(run);
    if ('error' in ended) {
      await this.#strike(faults, 'after', operation);
      throw ended.error;
    }
    const { answer } = ended;
    const status = statusOf(answer);
    if (endOf(status) === 'answered') this.#account(operation, () => bytesOf(answer));
    await this.#strike(faults, 'after', operation);
    return { answer, status };
  }

  #account(operation: Operation, bytes: () => CallBytes): void {
    if (operation.isWrite) this.#meter.add(operation.class, 'writes');
    if (!this.#isMetered) return;
    const day = { nowMs: this.#clock.now(), messageBytes: messageBytes(this.throttle?.tier ?? 'S1') };
    this.#meter.charge(operation, bytes(), day);
  }

  async #strike(faults: readonly CallFault[], moment: FaultMoment, operation: Operation): Promise<void> {
    for (const fault of faults) {
      if ((fault.when ?? 'before') !== moment) continue;
      switch (fault.kind) {
        case 'latency':
          await this.#wait(fault.ms);
          break;
        case 'refusal':
          throw new ServiceError(fault.code, 'On order.');
        case 'reset':
          throw new ConnectionCut(moment);
        case 'action': {
          const { deviceId, moduleId } = operation;
          performAction(this.#hub, fault.action, deviceId === undefined ? undefined : { deviceId, moduleId });
          break;
        }
      }
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.schedule(ms, () => {
        this.#waits.delete(cancel);
        resolve();
      });
      this.#waits.add(cancel);
    });
  }
}

function endOf(status: number): 'answered' | 'refused' | 'throttled' {
  if (status === TOO_MANY_REQUESTS) return 'throttled';
  return status < 400 ? 'answered' : 'refused';
}

type Settled<T> = { readonly answer: T } | { readonly error: unknown };

async function settle<T>(run: () => T | Promise<T>): Promise<Settled<T>> {
  try {
    return { answer: await run() };
  } catch (error) {
    return { error };
  }
}

/** The text as quoted in public issues. */
function quotaExceeded(hostName: string, used: number, max: number): ServiceError {
  const name = hubNameOf(hostName);
  const text = `Total number of messages on IotHub '${name}' exceeded the allocated quota. Max allowed message count : '${max}', current message count : '${used}'.`;
  return new ServiceError('IotHubQuotaExceeded', text);
}
