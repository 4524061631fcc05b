// One writer at a time, for commands that write once: acquires the lease, or says who holds it.
import { budgetedHub } from '../../controller/budget/budgeted-hub.ts';
import { fencedHub } from '../../controller/lease/fenced-hub.ts';
import { HeldLease } from '../../controller/lease/held-lease.ts';
import { leaseMs } from '../../controller/lease/lease-duration.ts';
import type { ReservedStore } from '../../controller/lease/reserved-store.ts';
import type { Lease, LeaseEntry, LeaseKind } from '../../ports/lease.ts';
import { CliFailure } from '../failure.ts';
import { EXIT } from '../exit-code.ts';
import { holderName } from './identity.ts';
import { pause } from '../interruption.ts';
import { SILENT_LOG, type HubSession } from './plan-hub.ts';
import { createProgress } from '../render/progress.ts';
import type { World } from '../world.ts';

export interface LeaseWish {
  readonly kind: Exclude<LeaseKind, 'run'>;
  /** Takes it from any holder. */
  readonly force?: boolean | undefined;
  /** Writes beside a holder of the same revision: the etag of each twin fences every write anyway. */
  readonly besideSame: boolean;
}

/**
 * Runs with a hub that writes only while the lease is held and a signal that aborts when it is lost, then releases the
 * lease. Throws CliFailure where a living process holds it. Takes none, and passes no store, where nothing is written.
 */
export async function withLease<T>(
  world: World,
  session: HubSession,
  wish: LeaseWish,
  run: (session: HubSession, signal: AbortSignal, reserved: ReservedStore | undefined) => Promise<T>,
): Promise<T> {
  if (session.mode === 'Observe') return run(session, world.interrupted, undefined);
  const { planner, declaredHub, capacity, reserved } = session;
  const lease = new HeldLease({
    store: reserved,
    holder: holderName(world),
    kind: wish.kind,
    revision: () => planner.declared.revision,
    ttlMs: leaseMs(capacity),
    clock: world.clock,
    log: SILENT_LOG,
  });
  lease.watch({
    onLost: () => {
      world.err.write(
        `Another process took the lease of hub ${declaredHub.name}: the remaining twins are not written. Run this again when it is free.\n`,
      );
    },
  });
  if (!(await isOurs(world, session, lease, wish))) return run(session, world.interrupted, undefined);
  const fenced = fencedHub(session.directHub, () => lease.isHeld);
  const hub = budgetedHub(fenced, { capacity, budget: declaredHub.budget }, world.clock);
  try {
    return await run({ ...session, hub }, AbortSignal.any([world.interrupted, lease.signal]), reserved);
  } finally {
    await lease.release();
  }
}

/** False where the command may write beside the holder. */
async function isOurs(world: World, session: HubSession, lease: Lease, wish: LeaseWish): Promise<boolean> {
  const progress = createProgress(world);
  let seen: LeaseEntry | undefined;
  try {
    for (;;) {
      const acquired = await lease.acquire(world.interrupted, wish.force === true);
      if (acquired.kind === 'Held') return true;
      const { entry } = acquired;
      if (wish.besideSame && isSameWork(entry, session)) return false;
      if (isAlive(entry, seen, world.clock.now())) throw heldBy(entry, session.declaredHub.name);
      seen = entry;
      progress.show(`lease   checking whether ${entry.holder} still runs`);
      await pause(world, lease.pollMs);
    }
  } finally {
    progress.clear();
  }
}

/** An uninstall removes what others write, whatever its revision. */
function isSameWork({ kind, revision }: LeaseEntry, { planner }: HubSession): boolean {
  return kind !== 'uninstall' && revision === planner.declared.revision;
}

/** It renewed while we watched, or says that it did so recently: clocks that differ only make us wait longer. */
function isAlive(entry: LeaseEntry, seen: LeaseEntry | undefined, nowMs: number): boolean {
  if (seen !== undefined && seen.holder === entry.holder && seen.renewals !== entry.renewals) return true;
  return Math.abs(nowMs - Date.parse(entry.at)) < entry.ttlSeconds * 1_000;
}

function heldBy({ holder, kind, since, revision }: LeaseEntry, hubName: string): CliFailure {
  return new CliFailure(
    EXIT.Held,
    `${holder} (${kind}) has had the lease of hub ${hubName} since ${since}, with revision ${revision.slice(0, 19)}.`,
    'Let it end, or stop it. --force takes the lease from it.',
  );
}
