// What the guards of one hub said last, and what of it a person approved: for the status, the log, and the next pass.
import type { Approval } from '../../model/declared.ts';
import type { EarlierApproval, GuardDecision } from '../../plan/guard/guards.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { NormalReason, WarningReason } from '../status/event-reasons.ts';

export interface GuardMemoryOptions {
  readonly hubName: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder?: Recorder | undefined;
}

export class GuardMemory {
  readonly #options: GuardMemoryOptions;
  #refusal: string | undefined;
  #earlier: EarlierApproval | undefined;
  #idleApproval: string | undefined;

  constructor(options: GuardMemoryOptions) {
    this.#options = options;
  }

  /** What is refused and what would release it. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /** Of the last pass: that the Hub bears an approval which does nothing. */
  get idleApproval(): string | undefined {
    return this.#idleApproval;
  }

  get earlier(): EarlierApproval | undefined {
    return this.#earlier;
  }

  /** As another controller left it on the hub. */
  recall(earlier: EarlierApproval | undefined): void {
    this.#earlier = earlier ?? this.#earlier;
  }

  /** Told when it begins and when it changes. The result is new and worth remembering on the hub. */
  note(
    { message, refusedBy, isApproved, shapes, idleApproval }: GuardDecision,
    approval: Approval | undefined,
  ): EarlierApproval | undefined {
    const { hubName: hub, log, metrics } = this.#options;
    for (const guard of isApproved ? [] : refusedBy) {
      metrics.count('twinward_guard_refusals_total', { hub, guard });
    }
    if (message !== undefined && message !== this.#refusal) {
      log.warn('The guards refuse a change', { hub, message });
      this.#tell('Warning', 'GuardRefused', message);
    } else if (message === undefined && this.#refusal !== undefined) {
      this.#tell('Normal', 'Recovered', 'GuardRefused is over.');
    }
    this.#refusal = message;
    if (idleApproval !== undefined && idleApproval !== this.#idleApproval) {
      log.info('An approval does nothing', { hub, message: idleApproval });
    }
    this.#idleApproval = idleApproval;
    if (!isApproved || approval === undefined || this.#earlier?.fingerprint === approval.fingerprint) return undefined;
    log.info('A change is approved that the guards refuse', { hub, ...approval });
    this.#tell('Normal', 'ChangeApproved', `Approved as ${approval.fingerprint}@${approval.count}.`);
    this.#earlier = { fingerprint: approval.fingerprint, shapes };
    return this.#earlier;
  }

  #tell(type: 'Normal' | 'Warning', reason: NormalReason | WarningReason, message: string): void {
    const { hubName: hub, recorder } = this.#options;
    recorder?.record({ hub, type, reason, message });
  }
}
