// One connection to one hub, made while somebody still wants it.
import type { Capacity, DeclaredHub, Mode } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import type { Hub } from '../../ports/hub.ts';
import { abortable } from '../queue/abortable.ts';

export interface Connection {
  readonly hub: Hub;
  /** Undefined where only the manifests say it, if they do. */
  readonly hostName?: string | undefined;
  /** The effective ceiling: the hub's own `mode`, or Observe unless it is on loopback. */
  readonly mode: Mode;
  /** What the hub can take: declared, or assumed; undefined where nothing limits us. */
  readonly capacity?: Capacity | undefined;
}

/** Rejects with HubError, whose message is shown. */
export type Connect = (hub: DeclaredHub) => Promise<Connection>;

/** Rejects with Aborted once the signal fires; a connection that comes after that is closed. */
export async function openConnection(connect: Connect, hub: DeclaredHub, signal: AbortSignal): Promise<Connection> {
  const connecting = connect(hub);
  try {
    return await abortable(connecting, signal, stopped);
  } catch (error) {
    if (signal.aborted) void connecting.then((late) => late.hub.close()).catch(() => {});
    throw error;
  }
}

function stopped(): HubError {
  return new HubError('Aborted', 'Stopped while connecting.');
}
