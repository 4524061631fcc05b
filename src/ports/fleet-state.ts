// What an installation keeps on its hub beside the lease: break-glass suspensions, and the last approval.
import type { EarlierApproval } from '../model/earlier-approval.ts';
import type { Suspension } from '../model/suspension.ts';

export interface FleetFacts {
  /** Those that have ended may still be among them. */
  readonly suspensions: readonly Suspension[];
  readonly approved: EarlierApproval | undefined;
}

/** Both methods reject with HubError alone. */
export interface FleetState {
  /** Reads the hub. No suspension and no approval where nothing was ever stored. */
  read(signal: AbortSignal): Promise<FleetFacts>;
  /**
   * Compare and swap: stores what `change` returns, and calls it again with the newer facts where another process was
   * faster; facts that it leaves out stay. Resolves with what is stored afterwards. TooLarge where there is no room.
   */
  change(change: (facts: FleetFacts) => Partial<FleetFacts>, signal: AbortSignal): Promise<FleetFacts>;
}
