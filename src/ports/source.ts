// Where manifests come from: a whole snapshot at a time, never a half-written file beside an old one.

/** One file, undecoded: what is wrong with its bytes is the parser's to say. */
export interface SourceFile {
  /** As a person would name it: relative to what was given, "/" between folders; "<stdin>" for standard input. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Snapshot {
  /** The commit where one is known, else `sha256:` and a digest of all paths and contents. */
  readonly revision: string;
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  /** True where single files were named: owners that are not in them are not ours to judge. */
  readonly partial: boolean;
}

/** Rejects with SourceError and nothing else. */
export interface Source {
  read(signal: AbortSignal): Promise<Snapshot>;
  /**
   * Calls `onTrigger` some time after anything may have changed; calls may be doubled and say nothing about what
   * changed. Resolves once changes from now on are seen. The result stops the watch and is idempotent.
   */
  watch(onTrigger: () => void): Promise<() => Promise<void>>;
}
