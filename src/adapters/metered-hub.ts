// Counts the calls to a hub, under the names that dashboards of Kubernetes controllers know.
import { HubError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub, ListOptions } from '../ports/hub.ts';
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

  async function measure<T>(method: string, call: () => Promise<T>): Promise<T> {
    const startedAtMs = clock.now();
    let code = 'OK';
    try {
      return await call();
    } catch (error) {
      code = codeOf(error);
      throw error;
    } finally {
      note(method, code, startedAtMs);
    }
  }

  /** From each turn to its page: the wait for the turn is no call, nor is the end of the list. */
  async function* measurePages<T>(
    method: string,
    { turn }: ListOptions,
    list: (turn: () => Promise<void>) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
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
  }

  return {
    listDevices: (signal, options = {}) =>
      measurePages('listDevices', options, (turn) => hub.listDevices(signal, { ...options, turn })),
    listModuleTwins: (moduleIds, signal, options = {}) =>
      measurePages('listModuleTwins', options, (turn) => hub.listModuleTwins(moduleIds, signal, { ...options, turn })),
    getDeviceTwin: (deviceId, signal) => measure('getDeviceTwin', () => hub.getDeviceTwin(deviceId, signal)),
    getModuleTwin: (ref, signal) => measure('getModuleTwin', () => hub.getModuleTwin(ref, signal)),
    patchModuleTwin: (ref, patch, etag, signal) =>
      measure('patchModuleTwin', () => hub.patchModuleTwin(ref, patch, etag, signal)),
    createModule: (ref, signal) => measure('createModule', () => hub.createModule(ref, signal)),
    getModule: (ref, signal) => measure('getModule', () => hub.getModule(ref, signal)),
    listModuleIds: (deviceId, signal) => measure('listModuleIds', () => hub.listModuleIds(deviceId, signal)),
    listConfigurations: (signal) => measure('listConfigurations', () => hub.listConfigurations(signal)),
    createDevice: (deviceId, options, signal) =>
      measure('createDevice', () => hub.createDevice(deviceId, options, signal)),
    patchDeviceTwin: (deviceId, tags, etag, signal) =>
      measure('patchDeviceTwin', () => hub.patchDeviceTwin(deviceId, tags, etag, signal)),
    deleteDevice: (deviceId, signal) => measure('deleteDevice', () => hub.deleteDevice(deviceId, signal)),
    countDevices: (signal) => measure('countDevices', () => hub.countDevices(signal)),
    messagesSpent: () => hub.messagesSpent(),
    close: () => hub.close(),
  };
}

function codeOf(error: unknown): string {
  return error instanceof HubError ? error.code : 'Bug';
}
