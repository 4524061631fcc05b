// Other writers on the embedded hub: they reach into it directly, whatever port is under test.
import type { IotHub } from '../../src/emulator/hub/iot-hub.ts';
import type { OtherWriters } from './hub-contract.ts';

export function embeddedWriters(hub: IotHub): OtherWriters {
  return {
    createDevices: async (devices) => {
      for (const { deviceId, status, iotEdge = false, tags, modules = [], managedBy } of devices) {
        hub.createDevice(deviceId, {
          deviceId,
          ...(status === undefined ? {} : { status }),
          capabilities: { iotEdge },
        });
        if (tags !== undefined) hub.patchTwin({ deviceId }, { tags });
        for (const moduleId of modules)
          hub.putModule(
            deviceId,
            moduleId,
            { deviceId, moduleId, ...(managedBy === undefined ? {} : { managedBy }) },
            undefined,
          );
      }
    },
    deleteDevice: async (deviceId) => hub.deleteDevice(deviceId, '*'),
    deleteModule: async ({ deviceId, moduleId }) => hub.deleteModule(deviceId, moduleId, '*'),
    patchModuleTwin: async (ref, patch) => void hub.patchTwin(ref, patch),
    createConfiguration: async (id, configuration) => void hub.putConfiguration(id, configuration, undefined),
    deleteConfiguration: async (id) => hub.deleteConfiguration(id, undefined),
  };
}
