// A hub out of a file instead of a connection: for plans where no hub can be called.
import { readSnapshots, snapshotHub, type FleetSnapshot } from '../../adapters/fleet-snapshot.ts';
import type { DeclaredHub } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import { RECORD_TAG } from '../../plan/record/record.ts';
import type { Connected } from './connect.ts';
import { readText } from '../input/private-file.ts';

export interface ConnectedSnapshot extends Connected {
  /** Why nobody knows what is suspended for the instance; undefined where the snapshot says. */
  readonly suspensionsUnknown: string | undefined;
}

/** Of the hub with this name, else with this host. Rejects with HubError where the file does not have it. */
export async function connectSnapshot(
  declared: DeclaredHub,
  path: string,
  instance: string,
): Promise<ConnectedSnapshot> {
  const snapshots = readSnapshots(await readText(path), path);
  const snapshot = find(snapshots, declared);
  if (snapshot === undefined) {
    const known = snapshots.map(({ hub }) => hub).join(', ');
    throw new HubError('NotFound', `${path} does not have the hub ${declared.name}; it has ${known}.`);
  }
  return {
    hub: snapshotHub(snapshot, RECORD_TAG),
    mode: declared.mode ?? snapshot.mode,
    capacity: declared.capacity ?? snapshot.capacity,
    hostName: snapshot.hostName,
    endpoint: `file:${path}`,
    ca: undefined,
    caFile: undefined,
    policy: undefined,
    suspensionsUnknown: whyUnknown(snapshot, path, instance),
  };
}

function find(snapshots: readonly FleetSnapshot[], { name, hostName }: DeclaredHub): FleetSnapshot | undefined {
  return (
    snapshots.find((snapshot) => snapshot.hub === name) ?? snapshots.find((snapshot) => snapshot.hostName === hostName)
  );
}

function whyUnknown({ state }: FleetSnapshot, path: string, instance: string): string | undefined {
  if (state === undefined) return `${path} is of an older Twinward: what is suspended is not in it. Take it again.`;
  if (state.instance === instance) return undefined;
  return `${path} was taken for the instance "${state.instance}": what is suspended for "${instance}" is not in it.`;
}
