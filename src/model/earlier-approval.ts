// The approval that was good last: half of its work may be done, so its other half stays approved.

export interface EarlierApproval {
  readonly fingerprint: string;
  /** Digests of what it approved to be written. */
  readonly shapes: readonly string[];
}
