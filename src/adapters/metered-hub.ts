// Counts the calls to a hub, under the names that dashboards of Kubernetes controllers know.
import { HubError } from '../model/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Hub } from '../ports/hub.ts';
import type { Metrics } from '../ports/metrics.ts';

export interface MeterOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Host name of the hub, a label. */
  readonly host: string;
}

/** The label `code` is `OK` or the HubError's. */
export function meteredHub(hub: Hub, { metrics, clock, host }: MeterOptions): Hub {
  async function measure<T>(method: string, call: () => Promise<T>): Promise<T> {
    const startedAtMs = clock.now();
    let code = 'OK';
    try {
      return await call();
    } catch (error) {
      code = error instanceof HubError ? error.code : 'Bug';
      throw error;
    } finally {
      metrics.count('rest_client_requests_total', { code, method, host });
      metrics.observe('rest_client_request_duration_seconds', { method, host }, (clock.now() - startedAtMs) / 1_000);
    }
  }

  async function* measurePages<T>(method: string, pages: AsyncIterable<T>): AsyncGenerator<T> {
    const iterator = pages[Symbol.asyncIterator]();
    try {
      for (;;) {
        const page = await measure(method, () => iterator.next());
        if (page.done === true) return;
        yield page.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  return {
    listDevices: (signal, onUnreadable) => measurePages('listDevices', hub.listDevices(signal, onUnreadable)),
    listModuleTwins: (moduleIds, signal, onUnreadable) =>
      measurePages('listModuleTwins', hub.listModuleTwins(moduleIds, signal, onUnreadable)),
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
