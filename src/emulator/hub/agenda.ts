// The hub's scheduled work: jobs and configurations. At most one timer, and none without work.
import { evaluateConfigurations } from './configurations/evaluate.ts';
import type { HubContext } from './context.ts';
import { jobsDueAt, runJobs } from './jobs/run.ts';

/** Delay from a change of a configuration to the evaluation of all. */
const SOON_MS = 1000;
const EVALUATION_PERIOD_MS = 5 * 60_000;
/** Delay after a failed journal write. */
const RETRY_MS = 10_000;

export class Agenda {
  readonly #hub: HubContext;
  #evaluationDueAt: number | undefined;
  #armedFor: number | undefined;
  #cancel = (): void => {};
  #isClosed = false;

  constructor(hub: HubContext) {
    this.#hub = hub;
  }

  /** Call after every change that may give the hub scheduled work. */
  arm(): void {
    const dueAt = this.#nextDueAt();
    if (this.#isClosed || dueAt === this.#armedFor) return;
    this.#cancel();
    this.#armedFor = dueAt;
    if (dueAt === undefined) return;
    this.#cancel = this.#hub.clock.schedule(dueAt - this.#hub.clock.now(), () => this.#run());
  }

  /** Call when a configuration was created, changed or deleted. */
  evaluateSoon(): void {
    this.#evaluationDueAt = this.#hub.clock.now() + SOON_MS;
    this.arm();
  }

  /** Stops all scheduled work. Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  #nextDueAt(): number | undefined {
    const jobsAt = jobsDueAt(this.#hub);
    if (jobsAt === undefined || this.#evaluationDueAt === undefined) return jobsAt ?? this.#evaluationDueAt;
    return Math.min(jobsAt, this.#evaluationDueAt);
  }

  #run(): void {
    this.#armedFor = undefined;
    const now = this.#hub.clock.now();
    try {
      runJobs(this.#hub);
      this.#evaluate(now);
    } catch (error) {
      // A full disk must not end the process: finished work is in the journal, the rest is repeated.
      if (!isSystemError(error)) throw error;
      this.#armedFor = now + RETRY_MS;
      this.#cancel = this.#hub.clock.schedule(RETRY_MS, () => this.#run());
      return;
    }
    this.arm();
  }

  #evaluate(now: number): void {
    if (this.#evaluationDueAt === undefined || this.#evaluationDueAt > now) return;
    evaluateConfigurations(this.#hub);
    // Without configurations no evaluation is due.
    const hasAny = this.#hub.state.configurations.size > 0;
    this.#evaluationDueAt = hasAny ? now + EVALUATION_PERIOD_MS : undefined;
  }
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}
