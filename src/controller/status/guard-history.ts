// The last decision of one hub's guards and the last approval: for the status, the log, and the next pass.
import type { Approval } from '../../model/declared.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Recorder } from '../../ports/recorder.ts';

interface GuardHistoryOptions {
  readonly hubName: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder?: Recorder | undefined;
}

export class GuardHistory {
  readonly #options: GuardHistoryOptions;
  #refusal: string | undefined;
  #earlier: EarlierApproval | undefined;
  #idleApproval: string | undefined;

  constructor(options: GuardHistoryOptions) {
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

  /** Reports a refusal when it begins and when it changes. Returns an approval that is new: it is to be kept on the hub. */
  update(
    { checks, message, refusedBy, approval: wanted, isApproved, shapes, idleApproval }: GuardDecision,
    approval: Approval | undefined,
  ): EarlierApproval | undefined {
    const { hubName: hub, log, metrics, recorder } = this.#options;
    for (const guard of isApproved ? [] : refusedBy) {
      metrics.count('twinward_guard_refusals_total', { hub, guard });
    }
    if (message !== undefined && message !== this.#refusal) {
      log.warn('The guards refuse a change', { message });
      const refused = checks
        .filter(({ isRefused }) => isRefused)
        .map(({ guard, count, limit }) => ({ guard, count, limit }));
      recorder?.record({ hub, reason: 'GuardRefused', refused, approval: wanted, detail: message });
    } else if (message === undefined && this.#refusal !== undefined) {
      recorder?.record({ hub, reason: 'Recovered', from: 'GuardRefused' });
    }
    this.#refusal = message;
    if (idleApproval !== undefined && idleApproval !== this.#idleApproval) {
      log.info('An approval does nothing', { message: idleApproval });
    }
    this.#idleApproval = idleApproval;
    if (!isApproved || approval === undefined || this.#earlier?.fingerprint === approval.fingerprint) return undefined;
    log.info('A change is approved that the guards refuse', { ...approval });
    recorder?.record({ hub, reason: 'ChangeApproved', approval });
    this.#earlier = { fingerprint: approval.fingerprint, shapes };
    return this.#earlier;
  }
}
