// Manifests as read: all files at one moment, undecoded. The parser reports invalid bytes.

export interface SourceFile {
  /** As a user would name it: relative to the given path, "/" between folders; "<stdin>" for standard input. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface Snapshot {
  /** `sha1:<40 hex>` if the commit is known, else `sha256:` and a digest of all paths and contents. */
  readonly revision: string;
  /** Sorted by path. */
  readonly files: readonly SourceFile[];
  /** True if the input may be only a part of the source: owners outside it must not be judged removed. */
  readonly partial: boolean;
}
