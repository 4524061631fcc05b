// The number of a hub's devices without our reserved device.
import { orMissing } from '../../controller/queue/optional-read.ts';
import { HubError } from '../../model/errors.ts';
import { reservedDeviceId } from '../../model/reserved-device.ts';
import type { Registry, ReservedDevice } from '../../ports/hub.ts';

/** By the hub's own count, which lags. Rejects with HubError. */
export async function countOthers(
  hub: Registry & ReservedDevice,
  instance: string,
  signal: AbortSignal,
): Promise<number> {
  const counted = await hub.countDevices(signal);
  const reading = orMissing(hub.getDeviceTwin(reservedDeviceId(instance), signal));
  const reserved = await reading.catch((error: unknown) => {
    // A credential that may count may not always read twins: then the count is one too many.
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
  });
  return Math.max(0, counted - (reserved === undefined ? 0 : 1));
}
