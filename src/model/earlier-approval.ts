// The last valid approval: its change may be half done, so the rest stays approved.

export interface EarlierApproval {
  readonly fingerprint: string;
  /** Digests of the approved writes. */
  readonly shapes: readonly string[];
}
