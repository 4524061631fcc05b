// What an operator is told of one hub once work there is done: what was written and why, and what is held, when that changes.
import type { Log } from '../../ports/log.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { compareText } from '../../model/diagnostic.ts';
import { isWriteEvent } from './event-reasons.ts';
import type { Tally } from '../twins/counts.ts';

export class HubNews {
  readonly #hubName: string;
  readonly #log: Log;
  #written = new Map<string, number>();
  #held = '';

  constructor(hubName: string, log: Log) {
    this.#hubName = hubName;
    this.#log = log;
  }

  /** The recorder, heard here too. Drift is told one by one, by whoever records it. */
  hearing(recorder: Recorder | undefined): Recorder {
    return {
      record: (event) => {
        const { reason } = event;
        const isNews = isWriteEvent(event) && reason !== 'Drift';
        if (isNews) this.#written.set(reason, (this.#written.get(reason) ?? 0) + 1);
        recorder?.record(event);
      },
    };
  }

  tell({ held, heldBy, offenders }: Pick<Tally, 'held' | 'heldBy' | 'offenders'>): void {
    const hub = this.#hubName;
    if (this.#written.size > 0) {
      const writes = [...this.#written.values()].reduce((sum, count) => sum + count, 0);
      this.#log.info('Twins written', { hub, writes, reasons: countsText(this.#written) });
      this.#written = new Map();
    }
    const reasons = countsText(heldBy);
    if (reasons === this.#held) return;
    this.#held = reasons;
    if (held === 0) return this.#log.info('No twin is held any more', { hub });
    const example = offenders.find(({ reason }) => heldBy.has(reason));
    const { deviceId, moduleId, detail } = example ?? {};
    this.#log.warn('Twins are held', { hub, twins: held, reasons, device: deviceId, module: moduleId, why: detail });
  }
}

/** `ConfigurationChanged 40, SettingRemoved 3`. */
function countsText(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .toSorted(([a, m], [b, n]) => n - m || compareText(a, b))
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
}
