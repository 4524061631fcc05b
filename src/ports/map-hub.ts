// The one wrapper over a hub: runs something around each call. A new method of the port gets its row here.
import type { Hub, HubConnection } from './hub.ts';

/** The throttles of IoT Hub, each with a limit of its own. */
export type Throttle = 'queries' | 'twinReads' | 'twinWrites' | 'registry' | 'configurations';

export interface HubCall {
  readonly method: Exclude<keyof Hub, keyof HubConnection>;
  readonly throttle: Throttle;
  /** Absent where the call only reads. */
  readonly writesTo?: 'fleet' | 'reserved device';
  readonly signal: AbortSignal;
}

type Turn = () => Promise<void>;

export interface AroundCalls {
  /** Runs for each call that is not a list. */
  readonly call: <T>(call: HubCall, run: () => Promise<T>) => Promise<T>;
  /** Runs for each list. `list` awaits the turn it is given before each page; `turn` is the caller's. Without it lists pass through. */
  readonly pages?: <T>(
    call: HubCall,
    turn: Turn | undefined,
    list: (turn: Turn | undefined) => AsyncIterable<T>,
  ) => AsyncIterable<T>;
}

/** The same hub with `around` each of its calls. */
export function mapHub(hub: Hub, { call, pages = (_call, turn, list) => list(turn) }: AroundCalls): Hub {
  return {
    listDevices: (signal, options) =>
      pages({ method: 'listDevices', throttle: 'queries', signal }, options?.turn, (turn) =>
        hub.listDevices(signal, { ...options, turn }),
      ),
    listModuleTwins: (moduleIds, signal, options) =>
      pages({ method: 'listModuleTwins', throttle: 'queries', signal }, options?.turn, (turn) =>
        hub.listModuleTwins(moduleIds, signal, { ...options, turn }),
      ),
    getDeviceTwin: (deviceId, signal) =>
      call({ method: 'getDeviceTwin', throttle: 'twinReads', signal }, () => hub.getDeviceTwin(deviceId, signal)),
    getModuleTwin: (ref, signal) =>
      call({ method: 'getModuleTwin', throttle: 'twinReads', signal }, () => hub.getModuleTwin(ref, signal)),
    patchModuleTwin: (ref, patch, etag, signal) =>
      call({ method: 'patchModuleTwin', throttle: 'twinWrites', writesTo: 'fleet', signal }, () =>
        hub.patchModuleTwin(ref, patch, etag, signal),
      ),
    createModule: (ref, signal) =>
      call({ method: 'createModule', throttle: 'registry', writesTo: 'fleet', signal }, () =>
        hub.createModule(ref, signal),
      ),
    getModule: (ref, signal) =>
      call({ method: 'getModule', throttle: 'registry', signal }, () => hub.getModule(ref, signal)),
    listModuleIds: (deviceId, signal) =>
      call({ method: 'listModuleIds', throttle: 'registry', signal }, () => hub.listModuleIds(deviceId, signal)),
    listConfigurations: (signal) =>
      call({ method: 'listConfigurations', throttle: 'configurations', signal }, () => hub.listConfigurations(signal)),
    countDevices: (signal) =>
      call({ method: 'countDevices', throttle: 'registry', signal }, () => hub.countDevices(signal)),
    createDevice: (deviceId, options, signal) =>
      call({ method: 'createDevice', throttle: 'registry', writesTo: 'reserved device', signal }, () =>
        hub.createDevice(deviceId, options, signal),
      ),
    patchDeviceTwin: (deviceId, tags, etag, signal) =>
      call({ method: 'patchDeviceTwin', throttle: 'twinWrites', writesTo: 'reserved device', signal }, () =>
        hub.patchDeviceTwin(deviceId, tags, etag, signal),
      ),
    deleteDevice: (deviceId, signal) =>
      call({ method: 'deleteDevice', throttle: 'registry', writesTo: 'reserved device', signal }, () =>
        hub.deleteDevice(deviceId, signal),
      ),
    messagesSpent: () => hub.messagesSpent(),
    close: () => hub.close(),
  };
}
