// The hub for whoever writes under a lease: refuses writes to the fleet, at the last moment, where the lease is not held.
import { HubError } from '../../model/errors.ts';
import type { Hub } from '../../ports/hub.ts';
import { mapHub } from '../../ports/map-hub.ts';

export function fencedHub(hub: Hub, isAllowed: () => boolean): Hub {
  return mapHub(hub, {
    call: ({ writesTo }, run) => (writesTo !== 'fleet' || isAllowed() ? run() : refuse()),
  });
}

function refuse(): Promise<never> {
  return Promise.reject(new HubError('Aborted', 'The lease is not held: another controller may be writing.'));
}
