// The loop over the source: watch, read, compile, keep the last good state whatever comes.
import type { Declared } from '../../model/declared.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { digestBytes } from '../../model/digest.ts';
import { SourceError } from '../../model/errors.ts';
import type { SourceEvent } from '../../model/event.ts';
import { nextExpiryMs } from '../../model/expiry.ts';
import { deepEqual, type Json } from '../../model/json.ts';
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
import { eventMessage } from '../status/event-text.ts';
import type { Condition, SourceStatus } from '../status/status.ts';

interface SourceLoopOptions {
  readonly source: Source;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly loader: ManifestLoader;
  readonly recorder?: Recorder | undefined;
  /** Watches can miss changes: the source is read this often in any case. */
  readonly periodMs: number;
  /** Called for each good state that differs from the one before; the next waits until it resolves. */
  readonly onDeclared: (declared: Declared) => Promise<void>;
}

const CONTROLLER = 'source';

const NOT_READ = condition('SourceReady', 'Unknown', 'NotRead', 'The manifests were not read yet.');

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
  #verdict: SourceEvent | undefined;
  /** When an exception ends, the same snapshot says something else. */
  #verdictEndsMs = Infinity;
  /** How the source stands, and the last of it that was recorded. */
  #standing: SourceEvent | undefined;
  #recorded: SourceEvent | undefined;
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
    if (this.#standing === undefined) return NOT_READ;
    const { reason } = this.#standing;
    return condition('SourceReady', reason === 'Loaded' ? 'True' : 'False', reason, eventMessage(this.#standing));
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
      this.#recordStanding();
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
      if (error.code !== 'Aborted') this.#failToRead(error.message);
      return 'Failed';
    }
  }

  #recordStanding(): void {
    if (this.#standing === undefined || isSame(this.#standing, this.#recorded)) return;
    this.#recorded = this.#standing;
    this.#options.recorder?.record(this.#standing);
  }

  #failByBug(): 'Failed' {
    this.#failToRead('Unexpected failure, a bug in Twinward: the log has more.');
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
    const { status } = this.condition;
    this.#standing = this.#verdict ?? this.#standing;
    if (status === 'False' && this.condition.status === 'True') {
      this.#options.log.info('The source can be used again', { revision: snapshot.revision });
    }
  }

  /** A good state is handed on, any other changes nothing. */
  async #compile(snapshot: Snapshot): Promise<SourceEvent> {
    const nowMs = this.#options.clock.now();
    const loaded = this.#options.loader.load(snapshot);
    const { declared, diagnostics, documents } = loadedAt(loaded, nowMs);
    this.#verdictEndsMs = (loaded.declared && nextExpiryMs(loaded.declared, nowMs)) ?? Infinity;
    this.#logDiagnostics(diagnostics);
    this.#attemptedRevision = snapshot.revision;
    this.#diagnostics = diagnostics;
    const kept = this.#appliedRevision;
    if (declared === undefined) {
      const errors = diagnostics.filter(({ severity }) => severity === 'error');
      return this.#refuse({ reason: 'InvalidManifests', diagnostic: errors[0], errors: errors.length, kept });
    }
    if (documents === 0) return this.#refuse({ reason: 'SourceEmpty', kept });
    await this.#options.onDeclared(declared);
    this.#appliedRevision = snapshot.revision;
    this.#firstGood.resolve();
    return { reason: 'Loaded', revision: snapshot.revision };
  }

  #failToRead(detail: string): void {
    this.#standing = this.#refuse({ reason: 'ReadFailed', detail, kept: this.#appliedRevision });
  }

  #refuse(refusal: SourceEvent): SourceEvent {
    if (isSame(refusal, this.#standing)) return refusal;
    const { reason } = refusal;
    this.#options.log.warn('The source can not be used', { reason, message: eventMessage(refusal) });
    return refusal;
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

function isSame(a: SourceEvent, b: SourceEvent | undefined): boolean {
  return deepEqual(a as unknown as Json, b as unknown as Json);
}
