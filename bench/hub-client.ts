// A client of a hub over HTTPS that costs little itself: plain node:https, connections kept, one token for all calls.
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:https';

export interface Access {
  readonly endpoint: string;
  readonly hostName: string;
  /** Of a policy; a secret. */
  readonly connectionString: string;
  /** PEM of the certificate authority to trust. */
  readonly ca: string;
}

export interface Asked {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly text: string;
  readonly continuation: string | undefined;
}

export interface HubClient {
  /** Rejects for any status from 400 on. */
  ask(asked: Asked): Promise<Answered>;
  close(): void;
}

const TOKEN_SECONDS = 86_400;

export function connectClient({ endpoint, hostName, connectionString, ca }: Access, connections: number): HubClient {
  const { hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true, maxSockets: connections, ca, servername: hostName });
  const authorization = tokenOf(connectionString, hostName);

  function ask({ method, path, body, headers }: Asked): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const sent = request({
        agent,
        host: hostname,
        port,
        method,
        path: `${path}?api-version=2021-04-12`,
        headers: {
          host: hostName,
          authorization,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...headers,
        },
      });
      sent.on('error', reject);
      sent.on('response', (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const { statusCode = 0 } = answer;
          const continuation = answer.headers['x-ms-continuation'];
          if (statusCode >= 400) reject(new Error(`${method} ${path} was answered with ${statusCode}: ${text}`));
          else resolve({ text, continuation: typeof continuation === 'string' ? continuation : undefined });
        });
      });
      sent.end(body);
    });
  }

  return { ask, close: () => agent.destroy() };
}

/** Sends all requests, `concurrency` at a time, and resolves with the milliseconds that each took. */
export async function askAll(client: HubClient, all: Iterable<Asked>, concurrency: number): Promise<number[]> {
  const times: number[] = [];
  const waiting = all[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      const startedAtMs = performance.now();
      await client.ask(next.value);
      times.push(performance.now() - startedAtMs);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  return times;
}

function tokenOf(connectionString: string, hostName: string): string {
  const fields = new Map(
    connectionString.split(';').map((field) => {
      const equals = field.indexOf('=');
      return [field.slice(0, equals), field.slice(equals + 1)] as const;
    }),
  );
  const sr = encodeURIComponent(hostName);
  const se = Math.floor(performance.timeOrigin / 1_000) + TOKEN_SECONDS;
  const key = Buffer.from(fields.get('SharedAccessKey') ?? '', 'base64');
  const signature = createHmac('sha256', key).update(`${sr}\n${se}`).digest('base64');
  const skn = fields.get('SharedAccessKeyName') ?? '';
  return `SharedAccessSignature sr=${sr}&sig=${encodeURIComponent(signature)}&se=${se}&skn=${skn}`;
}
