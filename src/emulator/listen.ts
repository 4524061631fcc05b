// Binding an address, for every endpoint of the hub.
import type { Server } from 'node:net';

/** The default: only this machine. */
export const LOOPBACK = '127.0.0.1';

/** Returns the bound port. Rejects with a readable error if the address is not available. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => reject(explain(error, host, port));
    server.once('error', fail);
    const begin = (): void => {
      server.off('error', fail);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    };
    server.listen(port, host, begin);
  });
}

function explain(cause: NodeJS.ErrnoException, host: string, port: number): Error {
  const place = `port ${port} on ${host}`;
  if (cause.code === 'EADDRINUSE') {
    return new Error(`The embedded hub cannot listen: ${place} is in use. Stop what uses it or choose another port.`, {
      cause,
    });
  }
  if (cause.code === 'EACCES') {
    return new Error(`The embedded hub may not listen on ${place}. Choose a port above 1023.`, { cause });
  }
  return new Error(`The embedded hub cannot listen on ${place}: ${cause.message}`, { cause });
}
