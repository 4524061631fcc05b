// How many devices a hub says it has, for whoever compares its lists with that.
import { HubError } from '../../model/errors.ts';
import type { HubScope } from '../reconcile/hub-context.ts';

/** Without those that are Twinward's own. Undefined where it can't be had: that alone must not end a pass. */
export async function countDevices(
  { hub, log, name, view }: Pick<HubScope, 'hub' | 'log' | 'name' | 'view'>,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await hub.countDevices(signal)) - view.reservedCount;
  } catch (error) {
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
    log.warn('The hub does not count its devices; its list is not checked against them', {
      hub: name,
      code: error.code,
    });
    return undefined;
  }
}
