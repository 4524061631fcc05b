// How a call ended: what the SDK makes of a refusal, and of a raw answer.
import type { IncomingMessage } from 'node:http';

export interface Refusal {
  /** Of the SDK's error. */
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  /** Of the header `iothub-errorcode`. */
  readonly code: string | undefined;
  /** As received. */
  readonly text: string;
}

/** Throws where the call succeeds. */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('the hub did not refuse');
  const { response, responseBody } = error as Error & { response?: IncomingMessage; responseBody?: unknown };
  const code = response?.headers['iothub-errorcode'];
  return {
    name: error.name,
    message: error.message,
    status: response?.statusCode,
    code: Array.isArray(code) ? code[0] : code,
    text: String(responseBody),
  };
}

/** The status of a call of the SDK, refused or not. */
export function statusOf(
  call: Promise<{ readonly httpResponse: { readonly statusCode?: number | undefined } }>,
): Promise<number | undefined> {
  return call.then(
    ({ httpResponse }) => httpResponse.statusCode,
    (error: { readonly response?: { readonly statusCode?: number } }) => error.response?.statusCode,
  );
}
