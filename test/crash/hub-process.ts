// An embedded hub in a process of its own, which can be killed at any moment, and calls to it signed by its owner.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { systemClock } from '../../src/adapters/system-clock.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { startProgram } from '../support/program.ts';

const TOKEN_SECONDS = 3600;

export interface Answer {
  readonly status: number;
  /** Undefined for 204. */
  readonly body: JsonObject | undefined;
}

export interface HubProcess {
  readonly facts: HubFacts;
  /** Rejects where the connection ends without an answer. */
  call(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Resolves once it has ended. */
  kill(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Its standard error. */
  complaints(): string;
}

export interface HubFacts {
  readonly endpoint: string;
  readonly hostName: string;
  readonly connectionString: string;
  readonly caFile: string;
  /** Only where events are served. */
  readonly eventsConnectionString?: string;
}

export async function startHub(folder: string, more: readonly string[] = []): Promise<HubProcess> {
  const running = startProgram(['hub', '--port', '0', '--data', folder, '-o', 'json', ...more]);
  await running.printed(/\}\n/);
  const facts = JSON.parse(running.stdout()) as HubFacts;
  const { hostname: host, port } = new URL(facts.endpoint);
  const agent = new Agent({ keepAlive: true, host, port: Number(port), ca: readFileSync(facts.caFile) });
  const authorization = ownerToken(facts);
  return {
    facts,
    call: (method, path, body, headers = {}) =>
      new Promise((resolve, reject) => {
        const options = { agent, hostname: facts.hostName, method, path: `${path}?api-version=2021-04-12` };
        const call = request({ ...options, headers: { authorization, ...headers } }, (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('error', reject);
          response.on('end', () => {
            if (!response.complete) return reject(new Error('half an answer'));
            resolve({
              status: response.statusCode ?? 0,
              body: text === '' ? undefined : (JSON.parse(text) as JsonObject),
            });
          });
        });
        call.on('error', reject);
        call.end(body === undefined ? undefined : JSON.stringify(body));
      }),
    kill: async (signal) => {
      running.kill(signal);
      await running.ended;
      agent.destroy();
    },
    complaints: () => running.stderr(),
  };
}

function ownerToken({ hostName, connectionString }: HubFacts): string {
  const key = connectionString.slice(connectionString.indexOf('SharedAccessKey=') + 'SharedAccessKey='.length);
  const se = Math.floor(systemClock.now() / 1000) + TOKEN_SECONDS;
  const hash = createHmac('sha256', Buffer.from(key, 'base64')).update(`${hostName}\n${se}`).digest('base64');
  return `SharedAccessSignature sr=${hostName}&sig=${encodeURIComponent(hash)}&se=${se}&skn=iothubowner`;
}
