// The journal on disk: one line for each change since the snapshot, written before the change is answered.
import { closeSync, existsSync, ftruncateSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HubDump, Journal, JournalRecord } from '../hub/journal.ts';
import type { ConfigurationRecord } from '../hub/configurations/configuration.ts';
import type { JobRecord } from '../hub/jobs/job.ts';
import type { HubRecord } from '../hub/record.ts';
import { parseLine, readLines } from './lines.ts';
import { PRIVATE_FILE_MODE, replaceFileByParts, writeAll } from './private-file.ts';

const JOURNAL_FILE = 'journal.jsonl';
/** Changes that the snapshot in progress already includes. */
const OLDER_JOURNAL_FILE = 'journal.older.jsonl';
const SNAPSHOT_FILE = 'snapshot.jsonl';

/** A new snapshot is due from this size on, and from twice the size of the snapshot. */
const COMPACT_BYTES_MIN = 16 * 1024 * 1024;

/** Size of a snapshot part; a call may have to wait for one. */
const PIECE_BYTES = 1024 * 1024;

/** The first line is the number; identities, the majority, have no wrapper. */
type SnapshotLine =
  | { readonly nextSequence: number }
  | { readonly configuration: ConfigurationRecord }
  | { readonly job: JobRecord }
  | HubRecord;

export interface FileJournalOptions {
  readonly directory: string;
  /** Called at most once between two snapshots. Must not compact before the append that calls it has returned. */
  readonly onCompactionDue: () => void;
  readonly compactBytesMin?: number | undefined;
}

/**
 * An appended change survives a crash of the process; a crash of the machine may lose what the system had not yet
 * written. The directory belongs to one process at a time.
 */
export class FileJournal implements Journal {
  readonly #journalPath: string;
  readonly #olderPath: string;
  readonly #snapshotPath: string;
  readonly #onCompactionDue: () => void;
  readonly #compactBytesMin: number;
  #file: number | undefined;
  #bytes = 0;
  #snapshotBytes = 0;
  #isCompactionAsked = false;

  constructor({ directory, onCompactionDue, compactBytesMin = COMPACT_BYTES_MIN }: FileJournalOptions) {
    this.#journalPath = join(directory, JOURNAL_FILE);
    this.#olderPath = join(directory, OLDER_JOURNAL_FILE);
    this.#snapshotPath = join(directory, SNAPSHOT_FILE);
    this.#onCompactionDue = onCompactionDue;
    this.#compactBytesMin = compactBytesMin;
  }

  /** Undefined if nothing was ever stored. Call before `readRecords`. */
  readSnapshot(): HubDump | undefined {
    let nextSequence: number | undefined;
    const identities: HubRecord[] = [];
    const configurations: ConfigurationRecord[] = [];
    const jobs: JobRecord[] = [];
    let lineNumber = 0;
    for (const line of readLines(this.#snapshotPath)) {
      lineNumber += 1;
      this.#snapshotBytes = line.end;
      const value = parseLine(line, this.#snapshotPath, lineNumber) as SnapshotLine;
      if ('nextSequence' in value) nextSequence = value.nextSequence;
      else if ('configuration' in value) configurations.push(value.configuration);
      else if ('job' in value) jobs.push(value.job);
      else identities.push(value);
    }
    return nextSequence === undefined ? undefined : { nextSequence, identities, configurations, jobs };
  }

  /** The changes since the snapshot, possibly with some earlier ones, which do no harm. Read them to the end. */
  *readRecords(): Generator<JournalRecord, void, undefined> {
    for (const path of [this.#olderPath, this.#journalPath]) {
      let lineNumber = 0;
      this.#bytes = 0;
      for (const line of readLines(path)) {
        lineNumber += 1;
        this.#bytes = line.end;
        yield parseLine(line, path, lineNumber) as JournalRecord;
      }
    }
  }

  /** Cuts off a torn last line: its change was never answered. */
  open(): void {
    this.#file = openSync(this.#journalPath, 'a', PRIVATE_FILE_MODE);
    ftruncateSync(this.#file, this.#bytes);
  }

  append(record: JournalRecord): void {
    if (this.#file === undefined) throw new Error(`${this.#journalPath} is not open`);
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    try {
      writeAll(this.#file, line);
    } catch (error) {
      this.#cutTornLine(this.#file);
      throw error;
    }
    this.#bytes += line.length;
    if (this.#isCompactionAsked || this.#bytes < Math.max(this.#compactBytesMin, 2 * this.#snapshotBytes)) return;
    this.#isCompactionAsked = true;
    this.#onCompactionDue();
  }

  /**
   * Writes a snapshot, one piece each time it is resumed; the first takes the dump. Changes may be appended in between.
   * A crash meanwhile leaves changes in the journals that the snapshot already has.
   */
  *compact(takeDump: () => HubDump): Generator<void, void, undefined> {
    if (this.#file === undefined) return;
    this.#setAside();
    const start = this.#bytes;
    yield* replaceFileByParts(this.#snapshotPath, this.#snapshotPieces(takeDump()));
    rmSync(this.#olderPath, { force: true });
    if (this.#bytes === start) this.#empty();
    this.#isCompactionAsked = false;
  }

  /** Idempotent. */
  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  /** Half a line from a full disk must not precede the next change. */
  #cutTornLine(file: number): void {
    try {
      ftruncateSync(file, this.#bytes);
    } catch {
      this.close();
    }
  }

  /**
   * Starts a new journal. If an older one remains, because its snapshot was never finished, continues the current one.
   */
  #setAside(): void {
    if (existsSync(this.#olderPath)) return;
    // Some systems do not rename an open file.
    this.close();
    try {
      renameSync(this.#journalPath, this.#olderPath);
      this.#bytes = 0;
    } finally {
      this.#file = openSync(this.#journalPath, 'a', PRIVATE_FILE_MODE);
    }
  }

  #empty(): void {
    if (this.#file !== undefined) ftruncateSync(this.#file, 0);
    this.#bytes = 0;
  }

  *#snapshotPieces(dump: HubDump): Generator<Uint8Array, void, undefined> {
    this.#snapshotBytes = 0;
    for (const piece of pieces(dump)) {
      this.#snapshotBytes += piece.length;
      yield piece;
    }
  }
}

/**
 * Each piece is valid until the next is requested: they share memory, because much memory outside the heap costs
 * collections.
 */
function* pieces(dump: HubDump): Generator<Uint8Array, void, undefined> {
  let piece = Buffer.allocUnsafe(PIECE_BYTES);
  let used = 0;
  for (const value of snapshotValues(dump)) {
    const line = `${JSON.stringify(value)}\n`;
    const length = Buffer.byteLength(line);
    if (used + length > piece.length) {
      yield piece.subarray(0, used);
      used = 0;
      if (length > piece.length) piece = Buffer.allocUnsafe(length);
    }
    used += piece.write(line, used);
  }
  yield piece.subarray(0, used);
}

function* snapshotValues(dump: HubDump): Generator<SnapshotLine, void, undefined> {
  const { nextSequence, identities, configurations = [], jobs = [] } = dump;
  yield { nextSequence };
  yield* identities;
  for (const configuration of configurations) yield { configuration };
  for (const job of jobs) yield { job };
}
