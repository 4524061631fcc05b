// `twinward hub`: serves the embedded IoT Hub until it is interrupted.
import type { Tier } from '../../model/hub-tier.ts';
import { startEmbeddedHub, type EmbeddedHub } from '../connect/embedded-hub.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { aborted } from '../interruption.ts';
import type { Format } from '../render/report.ts';
import { createStyle } from '../render/style.ts';
import { countOf } from '../render/table.ts';
import { withTempFolder } from '../input/temp-folder.ts';
import type { World } from '../world.ts';

export interface HubOptions {
  readonly port: number;
  readonly address: string;
  readonly hostName: string;
  readonly eventsPort?: number;
  readonly mqttPort?: number;
  readonly data?: string;
  readonly fleet?: number;
  /** Whether the fleet's agents run. */
  readonly agents: boolean;
  readonly identitiesMax: number;
  readonly throttle?: boolean;
  readonly tier: Tier;
  readonly units: number;
  /** In milliseconds. */
  readonly queryLag?: number;
  readonly seed: number;
  readonly output: Format;
}

export async function hub(world: World, options: HubOptions): Promise<ExitCode> {
  const { data } = options;
  if (data === undefined) await withTempFolder(world, 'hub', (folder) => serve(world, options, folder));
  else await serve(world, options, data);
  return EXIT.Ok;
}

async function serve(world: World, options: HubOptions, accessFolder: string): Promise<void> {
  const { port, eventsPort, mqttPort, address, hostName, data, fleet, agents, identitiesMax, seed, output } = options;
  const { throttle = false, tier, units, queryLag: queryLagMs = 0 } = options;
  const running = await startEmbeddedHub(world, {
    hostName,
    host: address,
    port,
    ...(eventsPort === undefined ? {} : { eventsPort }),
    ...(mqttPort === undefined ? {} : { mqttPort }),
    ...(data === undefined ? {} : { data }),
    ...(fleet === undefined ? {} : { fleet: { devices: fleet, seed } }),
    agents,
    identitiesMax,
    ...(throttle ? { throttle: { tier, units } } : {}),
    queryLagMs,
    accessFolder,
  });
  world.out.write(output === 'json' ? `${JSON.stringify(factsOf(running))}\n` : hubText(world, running, options));
  await aborted(world.interrupted);
  await running.close();
}

/** The only place that prints a secret, on request: that of a hub for tests. */
function factsOf({ endpoint, hostName, connectionString, caFile, ...more }: EmbeddedHub): object {
  const { eventsConnectionString, mqttPort } = more;
  return { endpoint, hostName, connectionString, caFile, eventsConnectionString, mqttPort };
}

function hubText(world: World, running: EmbeddedHub, { data, seed, fleet }: HubOptions): string {
  const style = createStyle(world.env, world.out);
  const { endpoint, hostName, caFile, connectionStringFile, fleet: plan, isNew } = running;
  const known = isNew ? '' : ', with its previous content';
  const devices = plan === undefined ? 'no fleet' : `${countOf(fleet ?? 0, 'device')} (seed ${seed})`;
  return [
    `${style.bold('IoT Hub')} ${hostName} at ${style.bold(endpoint)}   ${devices}${known}`,
    data === undefined ? 'Everything is only in memory (--data keeps it).' : `Everything is kept in ${data}.`,
    ...(running.mqttPort === undefined ? [] : [`Devices sign in over MQTT at 127.0.0.1:${running.mqttPort}.`]),
    ...(running.eventsConnectionStringFile === undefined
      ? []
      : [`Change events are served over AMQP; their connection string is in ${running.eventsConnectionStringFile}.`]),
    '',
    'From another terminal:',
    `  export IOTHUB_CONNECTION_STRING="$(cat ${connectionStringFile})"`,
    `  export TWINWARD_HUB_ENDPOINT=${endpoint} TWINWARD_HUB_CA=${caFile}`,
    '  npx twinward plan -f YOUR-MANIFESTS',
    '',
    'Ctrl-C ends it.',
    '',
  ].join('\n');
}
