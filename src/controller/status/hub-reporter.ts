// What an operator reads of one hub: its problems, what was written once the work is done, and which twins are held.
import { isWriteEvent } from '../../model/event.ts';
import { compareText } from '../../model/text.ts';
import type { Log } from '../../ports/log.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { TwinTable } from '../twins/twin-table.ts';
import type { Problem } from './conditions.ts';

export class HubReporter {
  readonly #hub: string;
  readonly #log: Log;
  readonly #recorder: Recorder | undefined;
  #written = new Map<string, number>();
  #held = '';

  constructor(hubName: string, log: Log, recorder: Recorder | undefined) {
    this.#hub = hubName;
    this.#log = log;
    this.#recorder = recorder;
  }

  /** The recorder for whoever writes: counts writes for the next summary. Drift is logged one by one. */
  get counting(): Recorder {
    return {
      record: (event) => {
        if (isWriteEvent(event) && event.reason !== 'Drift') {
          this.#written.set(event.reason, (this.#written.get(event.reason) ?? 0) + 1);
        }
        this.#recorder?.record(event);
      },
    };
  }

  /** Logs what was written since the last summary, and which twins are held where that changed. */
  summarize(twins: Pick<TwinTable, 'counts' | 'offenders'>): void {
    if (this.#written.size > 0) {
      const writes = [...this.#written.values()].reduce((sum, count) => sum + count, 0);
      this.#log.info('Twins written', { writes, reasons: countsText(this.#written) });
      this.#written = new Map();
    }
    const { heldBy, actions } = twins.counts;
    const reasons = countsText(heldBy);
    if (reasons === this.#held) return;
    this.#held = reasons;
    if (actions.Hold === 0) return this.#log.info('No twin is held any more');
    const { deviceId, moduleId, detail } = twins.offenders().find(({ reason }) => heldBy.has(reason)) ?? {};
    const example = { device: deviceId, module: moduleId, why: detail };
    this.#log.warn('Twins are held', { twins: actions.Hold, reasons, ...example });
  }

  reportProblem(problem: Problem): void {
    const { reason, message } = problem;
    this.#log.warn('The hub could not be listed', { ...problem });
    this.#recorder?.record({ hub: this.#hub, reason, detail: message });
  }

  reportRecovery({ reason }: Problem): void {
    this.#log.info('The hub can be listed again');
    this.#recorder?.record({ hub: this.#hub, reason: 'Recovered', from: reason });
  }

  reportApplied(revision: string, { counts: { twins, failing, actions } }: Pick<TwinTable, 'counts'>): void {
    this.#log.info('Revision applied', { revision, twins, failing, held: actions.Hold });
  }
}

/** `ConfigurationChanged 40, SettingRemoved 3`. */
function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || compareText(a, b))
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}
