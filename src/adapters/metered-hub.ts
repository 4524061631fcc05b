// Counts the calls to a hub, under the metric names of Kubernetes controllers.
import { HubError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub } from '../ports/hub.ts';
import { mapHub } from '../ports/map-hub.ts';
import type { Metrics } from '../ports/metrics.ts';

export interface MeterOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Host name of the hub, a label. */
  readonly host: string;
}

/** The label `code` is `OK` or the HubError's. */
export function meteredHub(hub: Hub, { metrics, clock, host }: MeterOptions): Hub {
  function note(method: string, code: string, startedAtMs: number): void {
    metrics.count('rest_client_requests_total', { code, method, host });
    metrics.observe('rest_client_request_duration_seconds', { method, host }, (clock.now() - startedAtMs) / 1_000);
  }

  return mapHub(hub, {
    async call({ method }, run) {
      const startedAtMs = clock.now();
      let code = 'OK';
      try {
        return await run();
      } catch (error) {
        code = codeOf(error);
        throw error;
      } finally {
        note(method, code, startedAtMs);
      }
    },

    /** Times each page from its turn on: the wait for the turn is no call, nor is the end of the list. */
    async *pages({ method }, turn, list) {
      let startedAtMs: number | undefined;
      const begin = async (): Promise<void> => {
        await turn?.();
        startedAtMs = clock.now();
      };
      const end = (code: string): void => {
        if (startedAtMs !== undefined) note(method, code, startedAtMs);
        startedAtMs = undefined;
      };
      try {
        for await (const page of list(begin)) {
          end('OK');
          yield page;
        }
      } catch (error) {
        end(codeOf(error));
        throw error;
      }
    },
  });
}

function codeOf(error: unknown): string {
  return error instanceof HubError ? error.code : 'Bug';
}
