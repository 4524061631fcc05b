// The HTTPS server of the embedded hub.
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { createAdaptorServer } from '@hono/node-server';
import { type RestOptions, restApp } from './rest/app.ts';
import { listen, LOOPBACK } from './listen.ts';
import type { ServerCertificate } from './rest/certificates.ts';

export interface ServeOptions extends RestOptions {
  readonly certificate: ServerCertificate;
  /** The address to listen on; by default only this machine. */
  readonly host?: string | undefined;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface RunningServer {
  /** `https://127.0.0.1:8443`. */
  readonly endpoint: string;
  /** Handles connections that ask for another protocol; without a handler they are plain requests. */
  onUpgrade(take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void;
  /** Cuts open connections. Idempotent. */
  close(): Promise<void>;
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 60_000;
/** Longer than clients keep idle connections, so that they close first and never write into a closed one. */
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const CONNECTIONS_MAX = 4096;

/** Resolves once it listens; rejects with a readable error if the address is not available. */
export async function serveHub({ certificate, host = LOOPBACK, port, ...rest }: ServeOptions): Promise<RunningServer> {
  const server = createAdaptorServer({
    fetch: restApp(rest).fetch,
    overrideGlobalObjects: false,
    createServer,
    serverOptions: {
      cert: certificate.certificate,
      key: certificate.key,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    },
  }) as Server;
  server.maxConnections = CONNECTIONS_MAX;
  const boundPort = await listen(server, host, port);
  // A failure of one connection ends only that one.
  server.on('error', (error) => rest.log?.error('embedded hub server failed', { error: error.message }));
  return {
    endpoint: `https://${urlHost(host)}:${boundPort}`,
    onUpgrade: (take) => void server.on('upgrade', take),
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // It fails only if the server is already closed.
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** The URL host of a server on every address is this machine. */
function urlHost(host: string): string {
  if (WILDCARDS.has(host)) return LOOPBACK;
  return host.includes(':') ? `[${host}]` : host;
}
