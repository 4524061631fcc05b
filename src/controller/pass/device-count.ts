// The hub's own count of its devices, to compare a list with.
import { HubError } from '../../model/errors.ts';
import type { HubContext } from '../context/hub-context.ts';

/** Without Twinward's own. Undefined where the hub refuses: that alone must not end a pass. */
export async function countDevices(
  { hub, log, devices }: Pick<HubContext, 'hub' | 'log' | 'devices'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await hub.countDevices(signal)) - devices.reservedCount;
  } catch (error) {
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
    log.warn('The hub does not count its devices; its list is not checked against them', { code: error.code });
    return undefined;
  }
}
