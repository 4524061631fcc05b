// Clients of the vendor's device SDK, connected to the hub under test: each signs in with the key from the registry.
import { Client, ModuleClient, type Twin } from 'azure-iot-device';
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Target } from './target.ts';

export interface Identity {
  readonly deviceId: string;
  readonly moduleId?: string;
}

export interface SignIn {
  readonly key?: string;
  readonly modelId?: string;
  readonly transport?: 'mqtt' | 'web sockets';
}

export interface Devices {
  /** Rejects if the hub refuses the sign-in. */
  open(identity: Identity, signIn?: SignIn): Promise<Client | ModuleClient>;
  /** Closes all that were opened. */
  close(): Promise<void>;
}

const NEVER_AGAIN = { shouldRetry: () => false, nextRetryTimeout: () => 0 };

export function devicesOf(target: Target): Devices {
  const { hostName, lead } = target;
  const clients: (Client | ModuleClient)[] = [];
  return {
    open: async ({ deviceId, moduleId }, signIn = {}) => {
      const { key = await keyOf(target, { deviceId, moduleId }), modelId, transport = 'mqtt' } = signIn;
      const isSocket = transport === 'web sockets';
      // A web socket is led by its agent, MQTT by the name of a gateway.
      const text = [
        `HostName=${hostName};DeviceId=${deviceId};SharedAccessKey=${key}`,
        ...(moduleId === undefined ? [] : [`ModuleId=${moduleId}`]),
        ...(lead === undefined || isSocket ? [] : [`GatewayHostName=${lead.gateway}`]),
      ].join(';');
      const Transport = isSocket ? MqttWs : Mqtt;
      const client =
        moduleId === undefined
          ? Client.fromConnectionString(text, Transport)
          : ModuleClient.fromConnectionString(text, Transport);
      clients.push(client);
      client.setRetryPolicy(NEVER_AGAIN);
      await client.setOptions({
        ...(lead === undefined ? {} : { ca: lead.authority }),
        ...(modelId === undefined ? {} : { modelId }),
        ...(isSocket && lead !== undefined ? { mqtt: { webSocketAgent: lead.webSocketAgent } } : {}),
      });
      await client.open();
      return client;
    },
    close: async () => {
      for (const client of clients.splice(0)) {
        // A connection that the hub has ended may have nothing left to close.
        await client.close().catch(() => {});
        client.removeAllListeners();
      }
    },
  };
}

/** Resolves once the hub has taken the report. */
export function report(twin: Twin, patch: JsonObject): Promise<void> {
  return new Promise((resolve, reject) => {
    twin.properties.reported.update(patch, (error?: Error | null) => (error ? reject(error) : resolve()));
  });
}

async function keyOf(target: Target, { deviceId, moduleId }: { deviceId: string; moduleId: string | undefined }) {
  const registry = target.registry();
  const { responseBody } =
    moduleId === undefined ? await registry.get(deviceId) : await registry.getModule(deviceId, moduleId);
  return responseBody.authentication?.symmetricKey?.primaryKey ?? '';
}
