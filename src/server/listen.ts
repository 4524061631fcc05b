// The socket of a controller: listens on one address, with limits on connections and requests.
import { createServer, type Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { ListenError } from '../model/errors.ts';

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

const CONNECTIONS_MAX = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/** Rejects with ListenError if the address is not available. */
export async function listen(app: Hono, address: string): Promise<Listening> {
  const { host, port } = parseAddress(address);
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'it is in use' : error.message;
      reject(new ListenError(`Could not listen on ${address}: ${why}.`, 'Choose another with --bind-address.'));
    });
    server.listen(port, host, () => resolve());
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise((resolve) => {
        // It fails only if the server is already closed.
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` for every address of the machine. */
function parseAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[(?<v6>[0-9a-fA-F:]+)\]|(?<name>[^:]*)):(?<port>\d{1,5})$/.exec(address);
  const port = Number(match?.groups?.['port']);
  if (match === null || port > 65_535) {
    throw new ListenError(`"${address}" is not an address to listen on.`, 'Write it as 127.0.0.1:8080.');
  }
  const host = match.groups?.['v6'] ?? match.groups?.['name'] ?? '';
  return { host: host === '' ? '0.0.0.0' : host, port };
}
