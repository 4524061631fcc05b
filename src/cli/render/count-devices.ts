// How many devices a hub has for people: the one that is reserved for ourselves is not among them.
import { readReservedTwin } from '../../controller/lease/reserved-twin.ts';
import { HubError } from '../../model/errors.ts';
import type { Hub } from '../../ports/hub.ts';

/** By the hub's own count, which lags. Rejects with HubError. */
export async function countOthers(hub: Hub, instance: string, signal: AbortSignal): Promise<number> {
  const counted = await hub.countDevices(signal);
  const reserved = await readReservedTwin(hub, instance, signal).catch((error: unknown) => {
    // Whoever may count may not always read twins: then it is one too many.
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
  });
  return Math.max(0, counted - (reserved === undefined ? 0 : 1));
}
