// Creates a fleet in a hub.
import type { IotHub } from '../hub/iot-hub.ts';
import { moduleIdOf } from '../agents/kinds.ts';
import type { FleetDevice, FleetPlan } from './demo-fleet.ts';

/** Throws ServiceError if a device already exists. */
export function loadFleet(hub: IotHub, { devices }: FleetPlan): void {
  for (const device of devices) loadDevice(hub, device);
}

function loadDevice(hub: IotHub, { deviceId, tags, agent, hasModule, moduleTwin }: FleetDevice): void {
  hub.createDevice(deviceId, { deviceId });
  hub.patchTwin({ deviceId }, { tags });
  if (!hasModule) return;
  const moduleId = moduleIdOf(agent.kind);
  hub.putModule(deviceId, moduleId, { deviceId, moduleId }, undefined);
  if (moduleTwin === undefined) return;
  const { desired, tags: moduleTags } = moduleTwin;
  hub.patchTwin(
    { deviceId, moduleId },
    { properties: { desired }, ...(moduleTags === undefined ? {} : { tags: moduleTags }) },
  );
}
