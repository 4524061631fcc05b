// Owns the journal on disk: one line for each change since the snapshot, there before the change is answered.
import { closeSync, existsSync, ftruncateSync, openSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HubDump, Journal, JournalRecord } from '../hub/journal.ts';
import type { ConfigurationRecord } from '../hub/configurations/configuration.ts';
import type { JobRecord } from '../hub/jobs/job.ts';
import type { HubRecord } from '../hub/record.ts';
import { parseLine, readLines } from './lines.ts';
import { PRIVATE_FILE_MODE, replaceFileByParts, writeAll } from './private-file.ts';

const JOURNAL_FILE = 'journal.jsonl';
/** What a snapshot that is being written has already. */
const OLDER_JOURNAL_FILE = 'journal.older.jsonl';
const SNAPSHOT_FILE = 'snapshot.jsonl';

/** From this size on, and twice the snapshot's, a new snapshot is due. */
const COMPACT_BYTES_MIN = 16 * 1024 * 1024;

/** What is written of a snapshot at once, and a call may have to wait for. */
const PIECE_BYTES = 1024 * 1024;

/** The first line is the number; identities, which are most, stand for themselves. */
type SnapshotLine =
  | { readonly nextSequence: number }
  | { readonly configuration: ConfigurationRecord }
  | { readonly job: JobRecord }
  | HubRecord;

export interface FileJournalOptions {
  readonly directory: string;
  /** Called at most once between two snapshots. Must not compact before the append that it is called in has returned. */
  readonly onCompactionDue: () => void;
  readonly compactBytesMin?: number | undefined;
}

/**
 * An appended change survives a crash of the process; a crash of the machine may cost what its system had not yet written.
 * The directory belongs to one process at a time.
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

  /** Undefined where nothing was ever stored. To be read before `readRecords`. */
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

  /** The changes since the snapshot; perhaps some from before it too, which do no harm. To be read to the end. */
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
   * Writes a snapshot, a piece each time it is resumed, the first of which takes the dump; changes may be appended between
   * them. A crash on the way leaves changes in the journals that the snapshot has already.
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

  /** What a full disk left half must not stand in front of the next change. */
  #cutTornLine(file: number): void {
    try {
      ftruncateSync(file, this.#bytes);
    } catch {
      this.close();
    }
  }

  /** Begins a new journal. Where an older one waits still, because its snapshot was never done, the present one goes on. */
  #setAside(): void {
    if (existsSync(this.#olderPath)) return;
    // Some systems do not rename a file that is open.
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

/** Each piece is good until the next is asked for: they share their memory, as much of it outside the heap costs collections. */
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
