// The public interface of the emulator as a package: the product imports only this. The one exception to "no barrels".
export { runAgents } from './agents/run-agents.ts';
export { serveEvents, type RunningEvents } from './events/amqp-server.ts';
export { EventLog } from './events/event-log.ts';
export { buildFleet, type FleetPlan } from './fleet/demo-fleet.ts';
export { loadFleet } from './fleet/load-fleet.ts';
export { FrontDoor } from './front-door.ts';
export { IotHub } from './hub/iot-hub.ts';
export { inProcessHub } from './in-process-hub.ts';
export { serveDevices, type RunningDevices } from './mqtt/mqtt-server.ts';
export { connectionString } from './rest/policies.ts';
export type { Role } from './rest/roles.ts';
export { serveHub, type RunningServer } from './server.ts';
export { openHub, type OpenHub } from './store/open-hub.ts';
export type { Capacity } from './throttles/tiers.ts';
