// The loop over the source: watch, read, compile, keep the last good state whatever comes.
import type { Declared } from '../../model/declared.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { digestBytes } from '../../model/digest.ts';
import { SourceError } from '../../model/errors.ts';
import { nextExpiryMs } from '../../model/expiry.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import { loadedAt } from '../../manifest/expiry.ts';
import type { ManifestLoader } from '../../manifest/load.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Random } from '../../ports/random.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { Source } from '../../ports/source.ts';
import { abortable } from '../queue/abortable.ts';
import { Alarm } from '../queue/alarm.ts';
import { backoffMs } from '../queue/backoff.ts';
import { condition } from '../status/conditions.ts';
import { recover } from '../queue/recover.ts';
import type { Condition, SourceStatus } from '../status/status.ts';

export interface SourceLoopOptions {
  readonly source: Source;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly loader: ManifestLoader;
  /** Told of each revision that decides from now on, and of what begins to be wrong. */
  readonly recorder?: Recorder | undefined;
  /** Watches can miss changes: the source is read this often in any case. */
  readonly periodMs: number;
  /** Called for each good state that differs from the one before; the next waits until it resolves. */
  readonly onDeclared: (declared: Declared) => Promise<void>;
}

const CONTROLLER = 'source';

const NO_MANIFEST = 'There is no manifest at all; that removes nothing. To mean it, keep at least the Hub.';

export class SourceLoop {
  readonly #options: SourceLoopOptions;
  readonly #alarm: Alarm;
  readonly #stopping = new AbortController();
  readonly #firstGood = Promise.withResolvers<void>();
  readonly #ended: Promise<void>;
  #unwatch: (() => Promise<void>) | undefined;
  /** Why there is no watch, as last told. */
  #unwatched: string | undefined;
  /** The last snapshot that was compiled, and what came of it. */
  #fingerprint: string | undefined;
  #verdict: Condition | undefined;
  /** When an exception ends, the same snapshot says something else. */
  #verdictEndsMs = Infinity;
  #condition = condition('SourceReady', 'Unknown', 'NotRead', 'The manifests were not read yet.');
  /** The last event. */
  #told: string | undefined;
  #attemptedRevision: string | undefined;
  #appliedRevision: string | undefined;
  #diagnostics: readonly Diagnostic[] = [];

  /** Starts at once. */
  constructor(options: SourceLoopOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock);
    this.#ended = this.#run();
  }

  /** Resolves once a good state was handed on. */
  get firstGood(): Promise<void> {
    return this.#firstGood.promise;
  }

  get condition(): Condition {
    return this.#condition;
  }

  status(): SourceStatus {
    return {
      lastAttemptedRevision: this.#attemptedRevision,
      lastAppliedRevision: this.#appliedRevision,
      diagnostics: this.#diagnostics,
    };
  }

  requestRead(): void {
    this.#alarm.ring();
  }

  /** Never rejects; idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#alarm.ring();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { log, metrics, periodMs, random } = this.#options;
    const around = { name: CONTROLLER, log, metrics };
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      await recover(around, 'watch the source', () => this.#watch());
      const end = (await recover(around, 'read the source', () => this.#turn())) ?? this.#failByBug();
      this.#tellNews();
      failures = end === 'Read' ? 0 : failures + 1;
      await this.#alarm.wait(failures === 0 ? periodMs : Math.min(periodMs, backoffMs(failures, 'Normal', random)));
    }
    await recover(around, 'stop watching the source', async () => this.#unwatch?.());
  }

  /** Without a watch changes are seen later; that is no reason not to read. */
  async #watch(): Promise<void> {
    if (this.#unwatch !== undefined) return;
    const { signal } = this.#stopping;
    const watching = this.#options.source.watch(() => this.#alarm.ring());
    try {
      this.#unwatch = await abortable(watching, signal, stopped);
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (signal.aborted) void watching.then((unwatch) => unwatch()).catch(() => {});
      else this.#noteUnwatched(error.message);
    }
  }

  async #turn(): Promise<'Read' | 'Failed'> {
    const { signal } = this.#stopping;
    try {
      await this.#take(await abortable(this.#options.source.read(signal), signal, stopped));
      return 'Read';
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      if (error.code !== 'Aborted') this.#condition = this.#refuse('ReadFailed', error.message);
      return 'Failed';
    }
  }

  #tellNews(): void {
    const { status, reason, message } = this.#condition;
    if (status === 'Unknown' || message === this.#told) return;
    this.#told = message;
    this.#options.recorder?.record({ type: status === 'True' ? 'Normal' : 'Warning', reason, message });
  }

  #failByBug(): 'Failed' {
    this.#condition = this.#refuse('ReadFailed', 'Unexpected failure, a bug in Twinward: the log has more.');
    return 'Failed';
  }

  #noteUnwatched(why: string): void {
    if (why !== this.#unwatched) this.#options.log.warn('The source can not be watched', { why });
    this.#unwatched = why;
  }

  async #take(snapshot: Snapshot): Promise<void> {
    const fingerprint = fingerprintOf(snapshot);
    if (fingerprint !== this.#fingerprint || this.#verdictEndsMs <= this.#options.clock.now()) {
      this.#verdict = await this.#compile(snapshot);
      this.#fingerprint = fingerprint;
    }
    const wasRefused = this.#condition.status === 'False';
    this.#condition = this.#verdict ?? this.#condition;
    if (wasRefused && this.#condition.status === 'True') {
      this.#options.log.info('The source can be used again', { revision: snapshot.revision });
    }
  }

  /** A good state is handed on, any other changes nothing. */
  async #compile(snapshot: Snapshot): Promise<Condition> {
    const nowMs = this.#options.clock.now();
    const loaded = this.#options.loader.load(snapshot);
    const { declared, diagnostics, documents } = loadedAt(loaded, nowMs);
    this.#verdictEndsMs = (loaded.declared && nextExpiryMs(loaded.declared, nowMs)) ?? Infinity;
    this.#logDiagnostics(diagnostics);
    this.#attemptedRevision = snapshot.revision;
    this.#diagnostics = diagnostics;
    if (declared === undefined) return this.#refuse('InvalidManifests', describe(diagnostics));
    if (documents === 0) return this.#refuse('SourceEmpty', NO_MANIFEST);
    await this.#options.onDeclared(declared);
    this.#appliedRevision = snapshot.revision;
    this.#firstGood.resolve();
    return condition('SourceReady', 'True', 'Loaded', `Revision ${snapshot.revision} is loaded.`);
  }

  #refuse(reason: 'ReadFailed' | 'InvalidManifests' | 'SourceEmpty', why: string): Condition {
    const kept = this.#appliedRevision === undefined ? '' : ` Revision ${this.#appliedRevision} still decides.`;
    const refused = condition('SourceReady', 'False', reason, `${why}${kept}`);
    if (refused.message !== this.#condition.message) {
      this.#options.log.warn('The source can not be used', { reason, message: refused.message });
    }
    return refused;
  }

  #logDiagnostics(diagnostics: readonly Diagnostic[]): void {
    for (const { severity, code, file, line, column, message } of diagnostics) {
      const fields = { code, file, line, column, problem: message };
      if (severity === 'error') this.#options.log.error('Problem in the manifests', fields);
      else this.#options.log.warn('Problem in the manifests', fields);
    }
  }
}

function stopped(): SourceError {
  return new SourceError('Aborted', 'Stopped while waiting for the source.');
}

/** The contents count too: a working copy can change while its commit does not. */
function fingerprintOf({ revision, files, partial }: Snapshot): string {
  const contents = files.map(({ path, bytes }) => `${path}\0${digestBytes(bytes)}`);
  return [revision, String(partial), ...contents].join('\n');
}

function describe(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const first = errors[0];
  if (first === undefined) return 'The manifests can not be used.';
  const { code, file, line, message } = first;
  const others = errors.length === 1 ? '' : ` (and ${errors.length - 1} more)`;
  return `${code} ${file}:${line}: ${message}${others}`;
}
