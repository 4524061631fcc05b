// One call to an IoT Hub through the SDK's transport and sign-in, with what the SDK lacks: a time limit, an abort, raw
// answers. Its Registry methods are not used: they throw in a response callback on an unexpected 2xx.
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TokenCredential } from '@azure/identity';
import { HubError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import { classifyAnswer, describeFailure, describeSetupFailure } from './iot-hub-errors.ts';

export type IotHubCredential =
  | { readonly type: 'ConnectionString'; readonly connectionString: string }
  | { readonly type: 'Entra'; readonly credential: TokenCredential };

export interface CallOptions {
  readonly hostName: string;
  /** Another address for the same hub: an https URL. TLS still checks for `hostName`. */
  readonly endpoint?: string;
  /** PEM of the certificate authority to trust, instead of the system's. */
  readonly ca?: string;
  /** The file with `ca`, for messages. */
  readonly caFile?: string;
  readonly credential: IotHubCredential;
  /** From the start of the call to the end of the answer. */
  readonly timeoutMs: number;
  /** Most sockets at a time. */
  readonly concurrency: number;
  readonly clock: Clock;
}

export interface HubRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Its segments are already encoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** The attempt, for messages: `read the twin of atm-1/azureiotsecurity`. */
  readonly purpose: string;
  readonly signal: AbortSignal;
}

export interface HubAnswer {
  /** Parsed JSON; undefined if the body is empty or not JSON. */
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
  /** Length of the body in characters, as received. */
  readonly length: number;
}

export interface HubCaller {
  /** Rejects only with HubError. */
  call(request: HubRequest): Promise<HubAnswer>;
  close(): void;
}

/** The SDK's version. */
const API_VERSION = '2021-04-12';
/** In characters. A page of the largest twins has about 10 million. */
const ANSWER_LENGTH_MAX = 32 * 1024 * 1024;

type SdkCallback = (error: Error | null, result?: unknown, response?: IncomingMessage) => void;

interface SdkTransport {
  executeApiCall(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: unknown,
    timeout: undefined,
    options: { request: typeof httpsRequest },
    done: SdkCallback,
  ): void;
  setOptions(options: { http: { agent: Agent } }): void;
}

export function createCaller(options: CallOptions): HubCaller {
  const agent = createAgent(options);
  let transport: Promise<SdkTransport> | undefined;
  return {
    call: async (request) => {
      transport ??= createTransport(options, agent);
      const ready = await transport.catch((error: unknown) => {
        throw describeSetupFailure(error, request.purpose);
      });
      return callOnce(ready, options, request);
    },
    close: () => agent.destroy(),
  };
}

function createAgent({ hostName, endpoint, ca, concurrency }: CallOptions): Agent {
  const address = endpoint === undefined ? undefined : new URL(endpoint);
  return new Agent({
    keepAlive: true,
    maxSockets: concurrency,
    servername: hostName,
    ...(ca === undefined ? {} : { ca }),
    ...(address === undefined
      ? {}
      : { host: address.hostname.replaceAll(/[[\]]/g, ''), port: Number(address.port || 443) }),
  });
}

/** Loaded on first use: the SDK takes a fifth of a second. */
async function createTransport({ hostName, credential }: CallOptions, agent: Agent): Promise<SdkTransport> {
  const { default: sdk } = await import('azure-iothub');
  const registry =
    credential.type === 'Entra'
      ? sdk.Registry.fromTokenCredential(hostName, credential.credential)
      : sdk.Registry.fromConnectionString(credential.connectionString);
  const transport = (registry as unknown as { _restApiClient: SdkTransport })._restApiClient;
  transport.setOptions({ http: { agent } });
  return transport;
}

function callOnce(
  transport: SdkTransport,
  { hostName, caFile, timeoutMs, clock }: CallOptions,
  { method, path, headers = {}, body, purpose, signal }: HubRequest,
): Promise<HubAnswer> {
  return new Promise((resolve, reject) => {
    let sent: ClientRequest | undefined;
    let isSettled = false;
    let length = 0;
    const settle = (end: () => void): void => {
      if (isSettled) return;
      isSettled = true;
      cancelLimit();
      signal.removeEventListener('abort', abort);
      end();
    };
    const fail = (error: HubError): void =>
      settle(() => {
        reject(error);
        sent?.destroy();
      });
    const abort = (): void => fail(new HubError('Aborted', `Stopped during the attempt to ${purpose}.`));
    const cancelLimit = clock.schedule(timeoutMs, () =>
      fail(new HubError('Timeout', `Could not ${purpose}: ${hostName} did not answer within ${timeoutMs / 1_000} s.`)),
    );
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });

    /** Unlike the SDK: decodes text across chunks, limits its length, and keeps the request for aborting. */
    const send = (requestOptions: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest => {
      sent = httpsRequest(requestOptions, (response) => {
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          length += chunk.length;
          if (length > ANSWER_LENGTH_MAX) fail(answerTooLarge(purpose));
        });
        onResponse(response);
      });
      // Without a listener Node silently closes the connection.
      sent.on('upgrade', () =>
        fail(new HubError('Malformed', `Could not ${purpose}: the answer is for another protocol.`)),
      );
      sent.on('close', () => fail(describeFailure({ code: 'ECONNRESET' }, purpose)));
      if (isSettled) sent.destroy();
      return sent;
    };
    const done: SdkCallback = (error, result, response) => {
      const problem = response === undefined && error === null ? new Error('no answer') : error;
      if (problem !== null) return fail(describeFailure(problem, purpose, caFile));
      const refusal = classifyAnswer(response?.statusCode ?? 0, purpose);
      if (refusal !== undefined) return fail(refusal);
      settle(() => resolve({ body: result === '' ? undefined : result, headers: response?.headers ?? {}, length }));
    };
    const json = body === undefined ? {} : { 'Content-Type': 'application/json; charset=utf-8' };
    const versioned = `${path}?api-version=${API_VERSION}`;
    try {
      transport.executeApiCall(
        method,
        versioned,
        { ...json, ...headers },
        body,
        undefined,
        { request: send as typeof httpsRequest },
        done,
      );
    } catch (error) {
      fail(describeFailure(error, purpose));
    }
  });
}

function answerTooLarge(purpose: string): HubError {
  const limit = `${ANSWER_LENGTH_MAX / 1024 / 1024} million characters`;
  return new HubError('Malformed', `Could not ${purpose}: the answer is larger than ${limit}.`);
}
