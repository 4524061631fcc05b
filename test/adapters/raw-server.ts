// A server on loopback with a good certificate that answers as a test says, right or wrong, and counts its connections.
import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { createAuthority, issueServerCertificate } from '../../src/emulator/rest/certificates.ts';

export const RAW_HOST = 'acme-raw.azure-devices.net';

export type Respond = (response: ServerResponse, request: IncomingMessage, body: string) => void;

export interface RawServer {
  readonly endpoint: string;
  readonly ca: string;
  /** Applies to requests from now on. */
  answer(respond: Respond): void;
  /** Path and query of all requests so far. */
  readonly requests: readonly {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
  }[];
  readonly connections: { readonly open: number; readonly most: number };
  /** Resolves once one more request has come in than when it was called. */
  nextRequest(): Promise<void>;
  /** Resolves once no client is connected. */
  allClosed(): Promise<void>;
  close(): Promise<void>;
}

export async function startRawServer(hostName = RAW_HOST): Promise<RawServer> {
  const authority = await createAuthority(systemClock);
  const { certificate: cert, key, authority: ca } = await issueServerCertificate(authority, hostName, systemClock);
  let respond: Respond = (response) => response.destroy();
  const requests: RawServer['requests'][number][] = [];
  const sockets = new Set<Socket>();
  let most = 0;
  const server: Server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {});
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      requests.push({ method, url, headers });
      server.emit('served');
      respond(response, request, Buffer.concat(chunks).toString());
    });
  });
  server.on('secureConnection', (socket: Socket) => {
    sockets.add(socket);
    most = Math.max(most, sockets.size);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      server.emit('left');
    });
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca,
    answer: (next) => {
      respond = next;
    },
    requests,
    connections: {
      get open() {
        return sockets.size;
      },
      get most() {
        return most;
      },
    },
    nextRequest: async () => {
      const before = requests.length;
      while (requests.length === before) await once(server, 'served');
    },
    allClosed: async () => {
      while (sockets.size > 0) await once(server, 'left');
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
