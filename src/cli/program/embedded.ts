// Commands for the embedded hub: the demo, and the hub alone.
import {
  duration,
  hostName,
  instanceOption,
  oneOrMore,
  outputOption,
  portNumber,
  wholeNumber,
  withSource,
  type Parts,
} from './options.ts';
import { EXIT } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { SourceOptions } from '../input/manifests.ts';
import type { Format } from '../render/report.ts';
import { DEFAULT_PORT, DEMO_HOST_NAME, IDENTITIES_MAX } from '../input/defaults.ts';
import { TIERS, type Tier } from '../../model/hub-tier.ts';
import { Option, type Command } from 'commander';

const DEFAULT_DEVICES = 500;
const DEFAULT_SEED = 1;

export function addDemo({ program, world, finish }: Parts): void {
  const demo = withSource(program.command('demo'))
    .enablePositionalOptions()
    .description('Run an embedded hub with a fleet, agents and the controller on this machine.')
    .option('--once', 'converge, print the summary and end')
    .option('--devices <count>', 'size of the fleet', wholeNumber, DEFAULT_DEVICES)
    .option('--seed <number>', 'another fleet of the same kind', wholeNumber, DEFAULT_SEED)
    .option(
      '--port <port>',
      `port of the hub; 0 takes a free one (default: ${DEFAULT_PORT}, with --once 0)`,
      portNumber,
    )
    .action(async (options: SourceOptions & { once?: boolean; devices: number; seed: number; port?: number }) => {
      const { demo: runDemo } = await withPackages(import('../commands/demo.ts'));
      const port = options.port ?? (options.once === true ? 0 : DEFAULT_PORT);
      finish(await runDemo(world, { ...options, port }));
    });
  withSource(demo.command('tamper'))
    .description('Change a setting of a device, like a careless edit in the portal, and wait for its correction.')
    .argument('<device>', 'id of the device')
    .addOption(instanceOption(world))
    .action(async (device: string, options: SourceOptions & { instance: string }) => {
      const { tamper } = await import('../commands/tamper.ts');
      finish(await tamper(world, { ...options, device }));
    });
}

export function addHub({ program, world, finish }: Parts): void {
  program
    .command('hub')
    .description('Serve the embedded IoT Hub alone, for your own tests and clients.')
    .option('--port <port>', '0 takes a free one', portNumber, DEFAULT_PORT)
    .option('--address <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--events-port <port>',
      'serve change events over AMQP, for Event Hubs clients; 0 takes a free one',
      portNumber,
    )
    .option('--mqtt-port <port>', 'serve devices over MQTT; their SDKs look for 8883, 0 takes a free one', portNumber)
    .option('--host-name <name>', 'host name of the hub', hostName, DEMO_HOST_NAME)
    .option('--data <folder>', 'keep everything here across restarts; memory only without it')
    .option('--fleet <count>', 'fill a new hub with this many devices and run their agents', wholeNumber)
    .option('--no-agents', 'do not run the agents of the fleet')
    .option('--seed <number>', 'another fleet of the same kind', wholeNumber, DEFAULT_SEED)
    .option('--identities-max <count>', 'devices and modules it takes, together', oneOrMore, IDENTITIES_MAX)
    .option('--throttle', 'limit calls and daily messages like a real hub')
    .addOption(new Option('--tier <tier>', 'tier for --throttle').choices(TIERS).default('S1'))
    .option('--units <count>', 'units for --throttle', oneOrMore, 1)
    .option('--query-lag <time>', 'how far queries lag: 30s, 5m', duration)
    .addOption(outputOption('one line of connection facts, secret included, once it is ready'))
    .action(async (options: HubFlags, command: Command) => {
      requireThrottle(options, command);
      const { hub } = await withPackages(import('../commands/hub.ts'));
      finish(await hub(world, options));
    });
}

/** The embedded hub has packages of its own, which an installation may leave out. */
async function withPackages<T>(command: Promise<T>): Promise<T> {
  return command.catch((error: unknown) => {
    const name = error instanceof Error ? /^Cannot find package '([^']+)'/.exec(error.message)?.[1] : undefined;
    if (name === undefined) throw error;
    const why = `The embedded hub needs the package ${name}, which \`npm ci --include=optional\` installs.`;
    throw new CliFailure(EXIT.Failed, why);
  });
}

/** Alone they have no effect, which would surprise the user. */
function requireThrottle({ throttle }: HubFlags, command: Command): void {
  const given = ['tier', 'units'].filter((name) => command.getOptionValueSource(name) === 'cli');
  if (throttle === true || given.length === 0) return;
  const names = given.map((name) => `--${name}`).join(' and ');
  throw new CliFailure(
    EXIT.Failed,
    `${names} have no effect without --throttle.`,
    'Add --throttle, or leave them out.',
  );
}

interface HubFlags {
  readonly port: number;
  readonly address: string;
  readonly eventsPort?: number;
  readonly mqttPort?: number;
  readonly hostName: string;
  readonly data?: string;
  readonly fleet?: number;
  readonly agents: boolean;
  readonly seed: number;
  readonly identitiesMax: number;
  readonly throttle?: boolean;
  readonly tier: Tier;
  readonly units: number;
  readonly queryLag?: number;
  readonly output: Format;
}
