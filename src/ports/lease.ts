// The right to write to one hub, one holder at a time for each installation, and the store that such a lease needs.

export type LeaseKind = 'run' | 'apply' | 'uninstall';

/** What a holder stores. The times are by the holder's clock and for people. */
export interface LeaseEntry {
  /** user@host and something that no other process has. */
  readonly holder: string;
  /** A LeaseKind, or what a newer version calls its own. */
  readonly kind: string;
  /** Of the source that the holder writes. */
  readonly revision: string;
  /** ISO 8601; of the acquisition. */
  readonly since: string;
  /** ISO 8601; of the last renewal. */
  readonly at: string;
  readonly ttlSeconds: number;
  /** Grows with each renewal. */
  readonly renewals: number;
}

export interface StoredLease {
  /** Undefined while the lease is free. */
  readonly lease: LeaseEntry | undefined;
  /** Changes with the entry, and with nothing else that is stored beside it. */
  readonly leaseVersion: string;
}

/** One entry under compare and swap, as Kubernetes Leases and blob leases offer it. Both methods reject with HubError alone. */
export interface LeaseStore {
  read(signal: AbortSignal): Promise<StoredLease>;
  /**
   * Stores the entry, or frees the lease with undefined, if the version is still this one. Resolves with what is stored
   * afterwards; `isWritten` is false where another process changed the entry first.
   */
  write(
    entry: LeaseEntry | undefined,
    version: string,
    signal: AbortSignal,
  ): Promise<StoredLease & { readonly isWritten: boolean }>;
}

export type Acquired = { readonly kind: 'Held' } | { readonly kind: 'Waiting'; readonly entry: LeaseEntry };

export interface LeaseListener {
  /** After each renewal, once the store's answer is known. */
  readonly onRenewed?: () => void;
  /** Once for each holding that ends without `release`. */
  readonly onLost?: (why: string) => void;
}

/**
 * No clock of another machine is compared. A waiting process acquires a lease that it watched unchanged, by its own
 * clock, for as long as the entry says it is good for. A holder counts from the moment before its last renewal was sent,
 * renews at one third of that time and stops writing at two thirds, so that the last third covers writes in flight.
 */
export interface Lease {
  /** False from two thirds after the last renewal on, also where no timer fired. */
  readonly isHeld: boolean;
  /** Aborted when the present holding ends; already aborted while there is none. */
  readonly signal: AbortSignal;
  /** How often to try again while another holder has it. */
  readonly pollMs: number;
  /** Takes a lease that is free, run out or ours, and with `force` any lease. Rejects with HubError. */
  acquire(signal: AbortSignal, force?: boolean): Promise<Acquired>;
  /** Renews ahead of time. False where it failed and another try may succeed, or the lease is lost. Rejects only for bugs. */
  renew(signal: AbortSignal): Promise<boolean>;
  /** Frees the lease, so that the next holder need not wait. Never rejects; idempotent. */
  release(): Promise<void>;
  /** The listener stays for the lifetime of the lease. */
  watch(listener: LeaseListener): void;
}
