// The watch over one hub's change events: begun again when it ends, told once when it fails. Passes go on meanwhile.
import type { Change } from '../../model/change.ts';
import { hubNameOf, isHubName } from '../../model/hub-name.ts';
import { HubError } from '../../model/errors.ts';
import type { ChangeFeed } from '../../ports/change-feed.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import { abortable } from '../queue/abortable.ts';
import { Alarm } from '../queue/alarm.ts';
import { backoffMs } from '../queue/backoff.ts';
import { recover } from '../queue/recover.ts';
import { classify } from '../queue/outcome.ts';

interface ChangeWatchOptions {
  /** In the manifests. */
  readonly hubName: string;
  /** Undefined where nobody knows it: then any hub's changes are taken. */
  readonly hostName: string | undefined;
  /** Each time anew: a secret may have been replaced. Rejects with HubError. */
  readonly connect: () => Promise<ChangeFeed>;
  readonly onChange: (change: Change) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A watch that ends sooner failed to begin, for all that we care. */
const STEADY_MS = 60_000;

export class ChangeWatch {
  readonly #options: ChangeWatchOptions;
  readonly #alarm: Alarm;
  readonly #stopping = new AbortController();
  readonly #ended: Promise<void>;
  #openedAtMs: number | undefined;
  #failures = 0;
  #problem: string | undefined;
  /** Another hub, of whose changes alone is told. */
  #stranger: string | undefined;
  #isOurs = false;

  /** Starts at once. */
  constructor(options: ChangeWatchOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock);
    this.#ended = this.#run();
  }

  /** Why nothing of use is told at present, for people; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem ?? (this.#stranger && strangerText(this.#stranger, this.#options.hostName));
  }

  /** Never rejects; idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#alarm.ring();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { hubName: name, log, metrics, clock, random } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#openedAtMs = undefined;
      const error = await recover({ name, log, metrics }, 'watch for changes', () => this.#watch(signal));
      if (signal.aborted) return;
      const openMs = this.#openedAtMs === undefined ? 0 : clock.now() - this.#openedAtMs;
      this.#failures = openMs >= STEADY_MS ? 1 : this.#failures + 1;
      this.#noteProblem(error?.message ?? 'Unexpected failure, a bug in Twinward: the log has more.');
      const outcome = error === undefined ? undefined : classify(error, clock.now());
      const pace = outcome?.kind === 'Retry' ? outcome.pace : 'Normal';
      await this.#alarm.wait(backoffMs(this.#failures, pace, random));
    }
  }

  /** Resolves with what ended it. */
  async #watch(signal: AbortSignal): Promise<HubError> {
    const { connect } = this.#options;
    const onChange = (change: Change): void => this.#take(change);
    try {
      const feed = await abortable(connect(), signal, stopped);
      return await abortable(feed.watch({ onOpen: () => this.#noteOpen(), onChange }, signal), signal, stopped);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return error;
    }
  }

  /** A bug there is none of the feed's. */
  #take(change: Change): void {
    const { hubName: name, hostName, log, metrics, onChange } = this.#options;
    if (change.hubName !== undefined && hostName !== undefined) {
      if (!isHubName(change.hubName, hostName)) return this.#noteStranger(change.hubName);
      this.#isOurs = true;
      this.#stranger = undefined;
    }
    void recover({ name, log, metrics }, 'take a hint', async () => onChange(change));
  }

  #noteOpen(): void {
    const { clock, log } = this.#options;
    this.#openedAtMs = clock.now();
    this.#isOurs = false;
    this.#problem = undefined;
    log.info('Change events are followed');
  }

  /** Several hubs may tell of their changes at one endpoint; that ours does not is told once. */
  #noteStranger(theirs: string): void {
    const { log, hostName } = this.#options;
    if (this.#isOurs || this.#stranger !== undefined) return;
    this.#stranger = theirs;
    log.warn('Change events are of another hub', { hostName, theirs });
  }

  /** Told when it begins and when it changes, not at each try. */
  #noteProblem(why: string): void {
    const problem = `Change events are not followed, what others change is seen by the next pass: ${why}`;
    if (problem !== this.#problem) this.#options.log.warn('Change events are not followed', { why });
    this.#problem = problem;
  }
}

function strangerText(theirs: string, hostName = ''): string {
  const ours = hubNameOf(hostName);
  return `Change events are of ${theirs}, not of ${ours}, so what others change is seen by the next pass: give the connection string of ${ours}'s own endpoint.`;
}

function stopped(): HubError {
  return new HubError('Aborted', 'Stopped while watching for changes.');
}
