// Manifests as read: all files of one moment, undecoded. What is wrong with the bytes is the parser's to say.

export interface SourceFile {
  /** As a person would name it: relative to what was given, "/" between folders; "<stdin>" for standard input. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Snapshot {
  /** `sha1:<40 hex>` where the commit is known, else `sha256:` and a digest of all paths and contents. */
  readonly revision: string;
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  /** True where the input may be a part of the source: owners that are not in it are not ours to judge. */
  readonly partial: boolean;
}
