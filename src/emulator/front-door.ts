// Owns the way in: each call of a client waits its turn, is counted, and is spoilt on order, on its way to the hub and back.
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

/** In place of an answer: the client's connection is gone, whether or not the hub did what was asked. */
export class ConnectionCut extends Error {
  override readonly name = 'ConnectionCut';

  constructor(moment: FaultMoment) {
    super(`The connection was cut on order, ${moment} the call was done.`);
  }
}

export interface Call<T> {
  readonly operation: Operation;
  /** The hub's own work. A refusal is thrown as ServiceError, or is an answer with its status. */
  readonly run: () => T | Promise<T>;
  readonly statusOf: (answer: T) => number;
  readonly bytesOf: (answer: T) => CallBytes;
}

/** Of the bodies. */
export interface CallBytes {
  readonly request: number;
  readonly answer: number;
}

export interface FrontDoorOptions {
  readonly hub: IotHub;
  readonly clock: Clock;
  /** For faults that strike by chance. */
  readonly random: Random;
  readonly throttle?: ThrottleSettings | undefined;
  /** False leaves the bodies of calls unmeasured, and costs no message of the quota: simulations have millions of them. */
  readonly isMetered?: boolean;
}

const TOO_MANY_REQUESTS = 429;

/** What is asked for in one query page; the class is all that matters. */
const QUERY: Operation = { class: 'queries', isWrite: false, path: '/devices/query' };

/** The REST app and the in-process port share one, so that limits and faults are those of the hub, not of a client. */
export class FrontDoor {
  readonly faults: FaultPlan;
  /** Added to the clock where tokens are checked: valid ones become expired. */
  clockSkewMs = 0;
  readonly #hub: IotHub;
  readonly #clock: Clock;
  readonly #meter = new Meter();
  readonly #isMetered: boolean;
  /** Cancel the calls that wait. */
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

  /** Nothing is limited where undefined. Each class starts rested. */
  setThrottle(settings: ThrottleSettings | undefined): void {
    this.#throttles = settings === undefined ? undefined : new Throttles(settings);
  }

  get counters(): Counters {
    return this.#meter.read(this.#clock.now());
  }

  /** Messages of the quota that all calls have cost, whatever is reset. */
  get messagesSpent(): number {
    return this.#meter.messagesSpent;
  }

  resetCounters(): void {
    this.#meter.reset();
  }

  /** Rejects with what the hub refuses, with 429 or 403 by its limits, and with whatever is ordered, ConnectionCut included. */
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

  /** Resolves when the call's turn has come. `pass` asks by itself, but for a bulk, whose entries only its reader knows. */
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

  /** To be called within `pass`. */
  query(text: string, options: QueryOptions): QueryPage {
    const fault = this.faults.isEmpty ? undefined : this.faults.drawPage(QUERY, sourceOfQuery(text));
    if (fault === undefined) return this.#hub.query(text, options);
    this.#meter.add('queries', 'faults');
    return spoilPage(fault, (next) =>
      this.#hub.query(text, next === undefined ? options : { ...options, continuation: next }),
    );
  }

  /** False where there was nothing to do it to. */
  perform(action: HubAction): boolean {
    return performAction(this.#hub, action);
  }

  /** Calls that wait are never answered. Idempotent. */
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

/** The text as people quote it in questions. */
function quotaExceeded(hostName: string, used: number, max: number): ServiceError {
  const name = hubNameOf(hostName);
  const text = `Total number of messages on IotHub '${name}' exceeded the allocated quota. Max allowed message count : '${max}', current message count : '${used}'.`;
  return new ServiceError('IotHubQuotaExceeded', text);
}
