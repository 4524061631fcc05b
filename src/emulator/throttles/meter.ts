// Counters of client calls: requests, outcomes, and the daily quota spent.
import { OPERATION_CLASSES, type Operation, type OperationClass } from './operations.ts';

/** Every finished call is in exactly one of `answered`, `refused`, `throttled` and `cut`. */
export interface ClassCounters {
  readonly calls: number;
  readonly answered: number;
  /** With an error other than 429. */
  readonly refused: number;
  /** With 429, by the throttle or by a fault. */
  readonly throttled: number;
  /** Connections that a fault cut, before or after the call was executed. */
  readonly cut: number;
  /** Calls that changed something, even if the answer was lost. A bulk counts once. */
  readonly writes: number;
  /** Calls that waited for their turn. */
  readonly queued: number;
  /** Calls that a fault struck. */
  readonly faults: number;
  /** Of the bodies of requests and answers, if the hub executed the call. */
  readonly bytes: number;
  /** Messages of the daily quota: reads and queries by their answer, updates by their request. The rest is free. */
  readonly messages: number;
}

export interface Counters {
  readonly classes: Readonly<Record<OperationClass, ClassCounters>>;
  readonly total: ClassCounters;
  /** Since midnight UTC; a reset of the counters keeps it. */
  readonly messagesToday: number;
}

type Counted = keyof ClassCounters;

const ZERO: ClassCounters = {
  calls: 0,
  answered: 0,
  refused: 0,
  throttled: 0,
  cut: 0,
  writes: 0,
  queued: 0,
  faults: 0,
  bytes: 0,
  messages: 0,
};

const COUNTED = Object.keys(ZERO) as readonly Counted[];
const DAY_MS = 86_400_000;

export class Meter {
  #classes = emptyClasses();
  #day = 0;
  #messagesToday = 0;
  #messagesSpent = 0;

  add(operations: OperationClass, counted: Counted, by = 1): void {
    this.#classes[operations][counted] += by;
  }

  /** Charges an executed call to the quota. */
  charge(operation: Operation, bytes: { request: number; answer: number }, day: MessageDay): void {
    this.add(operation.class, 'bytes', bytes.request + bytes.answer);
    if (!isMetered(operation)) return;
    const size = operation.class === 'twinUpdates' ? bytes.request : bytes.answer;
    const messages = Math.max(1, Math.ceil(size / day.messageBytes));
    this.add(operation.class, 'messages', messages);
    this.#messagesToday = this.messagesToday(day.nowMs) + messages;
    this.#messagesSpent += messages;
  }

  /** Since the start; a reset does not change it. */
  get messagesSpent(): number {
    return this.#messagesSpent;
  }

  messagesToday(nowMs: number): number {
    const day = Math.floor(nowMs / DAY_MS);
    if (day !== this.#day) {
      this.#day = day;
      this.#messagesToday = 0;
    }
    return this.#messagesToday;
  }

  read(nowMs: number): Counters {
    const classes = structuredClone(this.#classes);
    const total = { ...ZERO };
    for (const one of Object.values(classes)) for (const counted of COUNTED) total[counted] += one[counted];
    return { classes, total, messagesToday: this.messagesToday(nowMs) };
  }

  reset(): void {
    this.#classes = emptyClasses();
  }
}

/** When to charge a call, and the size of a message. */
interface MessageDay {
  readonly nowMs: number;
  readonly messageBytes: number;
}

/** Identity, job and configuration operations are free. */
export function isMetered({ class: operations }: Operation): boolean {
  return operations === 'twinReads' || operations === 'twinUpdates' || operations === 'queries';
}

function emptyClasses(): Record<OperationClass, Record<Counted, number>> {
  return Object.fromEntries(OPERATION_CLASSES.map((name) => [name, { ...ZERO }])) as Record<
    OperationClass,
    Record<Counted, number>
  >;
}
