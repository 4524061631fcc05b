// Every command with its options: what can be typed, in one place. A command's code is loaded when it is called.
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { TIERS, type Tier } from '../emulator/throttles/tiers.ts';
import { TIMEOUT_MS, WAITS, type WaitChoice } from './wait-choice.ts';
import { DEFAULT_PORT, DEMO_HOST_NAME, IDENTITIES_MAX } from './defaults.ts';
import { parseDurationMs } from './duration.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { CliFailure, toFailure } from './failure.ts';
import { InvalidManifests, type SourceOptions } from './manifests.ts';
import type { HubChoice } from './plan-hub.ts';
import { writeFailure, type Format } from './report.ts';
import { valueOf, type World } from './world.ts';

interface Common extends SourceOptions, HubChoice {
  readonly output: Format;
}

const DEFAULT_DEVICES = 500;
const DEFAULT_SEED = 1;
const DEFAULT_BIND_ADDRESS = '127.0.0.1:8080';

/** Never rejects: what went wrong is printed, and the exit code says which kind it was. */
export async function runProgram(world: World, argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.Ok;
  try {
    const program = createProgram(world, (result) => {
      code = result;
    });
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed its own; help and version end this way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.Ok : EXIT.Failed;
    return reportFailure(world, argv, error);
  }
}

function reportFailure(world: World, argv: readonly string[], error: unknown): ExitCode {
  const failure = toFailure(error);
  if (failure === undefined) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    world.err.write(`This is a bug in Twinward. Please report it with these lines:\n${stack}\n`);
    return EXIT.Failed;
  }
  // Invalid manifests have given their document already.
  const format = wantsJson(argv) && !(failure instanceof InvalidManifests) ? 'json' : 'text';
  writeFailure(world, format, failure);
  return world.interrupted.aborted ? EXIT.Interrupted : failure.exitCode;
}

function wantsJson(argv: readonly string[]): boolean {
  return argv.some(
    (word, index) =>
      word === '--output=json' ||
      word === '-ojson' ||
      (word === 'json' && /^(?:-o|--output)$/.test(argv[index - 1] ?? '')),
  );
}

type Finish = (code: ExitCode) => void;

function createProgram(world: World, finish: Finish): Command {
  const program = new Command('twinward')
    .description('GitOps for Azure IoT Hub security module twins.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      getOutHelpWidth: () => world.out.columns,
      getErrHelpWidth: () => world.err.columns,
    })
    .showHelpAfterError('Say --help after a command to see its options.')
    .addHelpText('after', '\nExit codes, environment variables and examples: docs/cli.md');
  const parts: Parts = { program, world, finish };
  addValidate(parts);
  addPlan(parts);
  addApply(parts);
  addSnapshot(parts);
  addRun(parts);
  addStatus(parts);
  addEvents(parts);
  addGet(parts);
  addDescribe(parts);
  addWhy(parts);
  addSuspend(parts);
  addResume(parts);
  addUninstall(parts);
  addImport(parts);
  addDoctor(parts);
  addDemo(parts);
  addHub(parts);
  addSchema(parts);
  addVersion(parts);
  return program;
}

interface Parts {
  readonly program: Command;
  readonly world: World;
  readonly finish: Finish;
}

function addValidate({ program, world, finish }: Parts): void {
  withSource(program.command('validate'))
    .description('Check manifests without any hub: every problem at once, with its place.')
    .addOption(outputOption())
    .action(async (options: SourceOptions & { output: Format }) => {
      const { validate } = await import('./commands/validate.ts');
      finish(await validate(world, options));
    });
}

function addPlan({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('plan')), world)
    .description('Show what apply would change now. Writes nothing.')
    .addOption(outputOption())
    .option('--detailed-exitcode', 'exit with 2 where desired properties or modules would change')
    .option('--by <tag>', 'the device tag by which twins are counted')
    .option('--from <commit>', 'tell apart what changes since this commit, and what would be done without it')
    .option('--to <commit>', 'plan the manifests of this commit instead of those on disk')
    .option('--out <path>', 'save the plan for apply, without any value in it')
    .option('--snapshot <path>', 'plan the fleet in this file of twinward snapshot, without any hub')
    .action(async (options: PlanFlags) => {
      const { plan } = await import('./commands/plan.ts');
      finish(await plan(world, options));
    });
}

interface PlanFlags extends Common {
  readonly detailedExitcode?: boolean;
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
  readonly out?: string;
  readonly snapshot?: string;
}

function addSnapshot({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('snapshot')), world)
    .description('Write the fleet to a file, without secrets, for plans that need no hub.')
    .option('--out <path>', 'a file; standard output without it')
    .action(async (options: Omit<Common, 'output'> & { out?: string }) => {
      const { snapshot } = await import('./commands/snapshot.ts');
      finish(await snapshot(world, options));
    });
}

function addApply({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('apply')), world)
    .description('Make the live twins equal to the manifests, once, after showing the plan and asking.')
    .argument('[plan]', 'a file of plan --out: exactly that is written, without asking, or nothing')
    .addOption(outputOption())
    .option('-y, --yes', 'write without asking')
    .option('--force', 'take the lease from a controller that has it')
    .option('--partial', 'of a saved plan, write what is still as it was, and leave the rest')
    .addOption(
      new Option('--wait <for>', 'end once the hub has it, or once agents have applied it')
        .choices(WAITS)
        .default('written'),
    )
    .option('--timeout <time>', 'how long agents are waited for: 30s, 5m', duration, TIMEOUT_MS)
    .action(async (plan: string | undefined, options: ApplyFlags) => {
      if (plan === undefined) {
        const { apply } = await import('./commands/apply.ts');
        finish(await apply(world, options));
      } else {
        const { applyPlan } = await import('./commands/apply-plan.ts');
        finish(await applyPlan(world, { ...options, plan }));
      }
    });
}

interface ApplyFlags extends Common, WaitChoice {
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly partial?: boolean;
}

function addRun({ program, world, finish }: Parts): void {
  const { env } = world;
  withSource(program.command('run'))
    .description('Run the controller: watch the manifests and the hubs, and keep them equal.')
    .addOption(instanceOption(world))
    .addOption(
      new Option('--resync-period <time>', 'how often every twin is compared ($TWINWARD_RESYNC_PERIOD)').default(
        valueOf(env, 'TWINWARD_RESYNC_PERIOD') ?? '5m',
      ),
    )
    .addOption(
      new Option('--bind-address <address>', 'probes and metrics ($TWINWARD_BIND_ADDRESS)').default(
        valueOf(env, 'TWINWARD_BIND_ADDRESS') ?? DEFAULT_BIND_ADDRESS,
      ),
    )
    .addOption(chosen('--log-level <level>', 'least severe lines ($TWINWARD_LOG_LEVEL)', LOG_LEVELS, env, 'info'))
    .addOption(
      chosen('--log-encoding <form>', 'form of the lines ($TWINWARD_LOG_ENCODING)', LOG_ENCODINGS, env, 'json'),
    )
    .action(async (options: RunFlags) => {
      const { run } = await import('./commands/run.ts');
      finish(await run(world, options));
    });
}

const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
const LOG_ENCODINGS = ['json', 'console'] as const;

interface RunFlags extends SourceOptions {
  readonly instance: string;
  readonly resyncPeriod: string;
  readonly bindAddress: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly logEncoding: (typeof LOG_ENCODINGS)[number];
}

function addStatus({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('status')), world)
    .description('Show how each hub stands against the manifests, worst first.')
    .addOption(outputOption())
    .action(async (options: Common) => {
      const { status } = await import('./commands/status.ts');
      finish(await status(world, options));
    });
}

function addEvents({ program, world, finish }: Parts): void {
  program
    .command('events')
    .description('Show what a running controller has written lately, and why.')
    .option(
      '--address <address>',
      'where it serves its metrics ($TWINWARD_BIND_ADDRESS)',
      valueOf(world.env, 'TWINWARD_BIND_ADDRESS') ?? DEFAULT_BIND_ADDRESS,
    )
    .option('--device <id>', 'only of this device')
    .option('-w, --watch', 'go on with those that come, one a line')
    .addOption(outputOption())
    .action(async (options: EventsFlags) => {
      const { events } = await import('./commands/events.ts');
      finish(await events(world, options));
    });
}

interface EventsFlags {
  readonly output: Format;
  readonly address: string;
  readonly device?: string;
  readonly watch?: boolean;
}

function addGet({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('get')), world)
    .description('List devices, groups, configurations, exceptions or profiles, with how they stand.')
    .argument('<list>', 'devices, groups, configurations, exceptions or profiles')
    .addOption(outputOption())
    .action(async (list: string, options: Common) => {
      const { get, parseList } = await import('./commands/get.ts');
      finish(await get(world, { ...options, list: parseList(list) }));
    });
}

function addDescribe({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('describe')), world)
    .description('Show one resource: what it says, and how it stands on each hub.')
    .argument('<kind>', 'hub, group, configuration, exception or profile')
    .argument('<name>', 'its name in the manifests')
    .addOption(outputOption())
    .action(async (kind: string, name: string, options: Common) => {
      const { describe } = await import('./commands/describe.ts');
      finish(await describe(world, { ...options, kind, name }));
    });
}

function addWhy({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('why')), world)
    .description('Explain a device: for each setting which manifest decided, and what lost.')
    .argument('<device>', 'id of the device')
    .argument('[key]', 'only this setting')
    .addOption(outputOption())
    .action(async (device: string, key: string | undefined, options: Common) => {
      const { why } = await import('./commands/why.ts');
      finish(await why(world, { ...options, device, ...(key === undefined ? {} : { key }) }));
    });
}

function addSuspend({ program, world, finish }: Parts): void {
  withSubject(withHub(withSource(program.command('suspend')), world))
    .description('Stop writing at once, without git: for a configuration, a device or everything. Kept on the hub.')
    .requiredOption('--reason <text>', 'why; everybody is shown it')
    .option('--for <time>', 'until then: 30m, 4h; without it until somebody resumes', duration)
    .addOption(outputOption())
    .action(async (options: Common & SubjectFlags & { reason: string; for?: number }) => {
      const { suspend } = await import('./commands/suspend.ts');
      finish(await suspend(world, options));
    });
}

function addResume({ program, world, finish }: Parts): void {
  withSubject(withHub(withSource(program.command('resume')), world))
    .description('End a suspension; with --all every one.')
    .addOption(outputOption())
    .action(async (options: Common & SubjectFlags) => {
      const { resume } = await import('./commands/suspend.ts');
      finish(await resume(world, options));
    });
}

interface SubjectFlags {
  readonly all?: boolean;
  readonly configuration?: string;
  readonly device?: string;
}

function withSubject(command: Command): Command {
  return command
    .option('--configuration <name>', 'a SecurityConfiguration or SecurityException')
    .option('--device <id>', 'everything on one device')
    .option('--all', 'everything');
}

function addUninstall({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('uninstall')), world)
    .description('Take our records and our device from a hub. Every setting stays as it is.')
    .option('-y, --yes', 'without asking')
    .option('--force', 'take the lease from a controller that has it')
    .addOption(outputOption())
    .action(async (options: Common & { yes?: boolean; force?: boolean }) => {
      const { uninstall } = await import('./commands/uninstall.ts');
      finish(await uninstall(world, options));
    });
}

function addImport({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('import')), world)
    .description('Write manifests for a fleet as it is: groups that observe, and change nothing.')
    .option('--group-by <tag>', 'a device tag by which twins are grouped; can be repeated', collect, [])
    .option('--out <folder>', 'where the manifests go: a new folder', 'imported')
    .option('--snapshot <path>', 'import the fleet in this file of twinward snapshot, without any hub')
    .option('-y, --yes', 'read the fleet without asking')
    .addOption(outputOption())
    .action(async (options: ImportFlags) => {
      const { importFleet } = await import('./commands/import.ts');
      finish(await importFleet(world, options));
    });
}

function addDoctor({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('doctor')), world)
    .description('Check credentials, permissions, clocks and neighbours, without writing, each with its fix.')
    .addOption(outputOption())
    .action(async (options: Common) => {
      const { doctor } = await import('./commands/doctor.ts');
      finish(await doctor(world, options));
    });
}

interface ImportFlags extends Common {
  readonly groupBy: readonly string[];
  readonly out: string;
  readonly snapshot?: string;
  readonly yes?: boolean;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function addDemo({ program, world, finish }: Parts): void {
  const demo = withSource(program.command('demo'))
    .description('Run the whole job on this machine: an embedded hub with a fleet, agents and the controller.')
    .option('--once', 'converge, print the summary and end')
    .option('--devices <count>', 'size of the fleet', wholeNumber, DEFAULT_DEVICES)
    .option('--seed <number>', 'another fleet of the same kind', wholeNumber, DEFAULT_SEED)
    .option(
      '--port <port>',
      `port of the hub; 0 takes a free one (default: ${DEFAULT_PORT}, with --once 0)`,
      wholeNumber,
    )
    .action(async (options: SourceOptions & { once?: boolean; devices: number; seed: number; port?: number }) => {
      const { demo: runDemo } = await import('./commands/demo.ts');
      const port = options.port ?? (options.once === true ? 0 : DEFAULT_PORT);
      finish(await runDemo(world, { ...options, port }));
    });
  withSource(demo.command('tamper'))
    .description('Change a setting of a device by hand, as somebody in the portal would, and see it corrected.')
    .argument('<device>', 'id of the device')
    .addOption(instanceOption(world))
    .action(async (device: string, options: SourceOptions & { instance: string }) => {
      const { tamper } = await import('./commands/tamper.ts');
      finish(await tamper(world, { ...options, device }));
    });
}

function addHub({ program, world, finish }: Parts): void {
  program
    .command('hub')
    .description('Serve the embedded IoT Hub alone, for your own tests and clients.')
    .option('--port <port>', '0 takes a free one', wholeNumber, DEFAULT_PORT)
    .option('--address <address>', 'address to listen on', '127.0.0.1')
    .option(
      '--events-port <port>',
      'serve change events over AMQP, for Event Hubs clients; 0 takes a free one',
      wholeNumber,
    )
    .option('--mqtt-port <port>', 'serve devices over MQTT; their SDKs look for 8883, 0 takes a free one', wholeNumber)
    .option('--host-name <name>', 'what the hub calls itself', DEMO_HOST_NAME)
    .option('--data <folder>', 'keep everything here across restarts; memory only without it')
    .option('--fleet <count>', 'fill a new hub with so many devices and run their agents', wholeNumber)
    .option('--no-agents', 'do not run the agents of the fleet')
    .option('--seed <number>', 'another fleet of the same kind', wholeNumber, DEFAULT_SEED)
    .option('--identities-max <count>', 'devices and modules it takes, together', wholeNumber, IDENTITIES_MAX)
    .option('--throttle', 'limit calls and daily messages as a real hub does')
    .addOption(new Option('--tier <tier>', 'of the hub whose limits these are').choices(TIERS).default('S1'))
    .option('--units <count>', 'of that tier', wholeNumber, 1)
    .option('--query-lag <time>', 'how far behind queries are: 30s, 5m', duration)
    .addOption(outputOption('one line of connection facts, secret included, once it is ready'))
    .action(async (options: HubFlags) => {
      const { hub } = await import('./commands/hub.ts');
      finish(await hub(world, options));
    });
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

function addSchema({ program, world, finish }: Parts): void {
  program
    .command('schema')
    .description('Print the JSON Schema of a kind, for editors.')
    .argument('<kind>', 'Hub, DeviceGroup, SecurityConfiguration, AgentProfile or all')
    .action(async (kind: string) => {
      const { schema } = await import('./commands/schema.ts');
      finish(schema(world, kind));
    });
}

function addVersion({ program, world, finish }: Parts): void {
  program
    .command('version')
    .description('Print the version.')
    .addOption(outputOption())
    .action(async (options: { output: Format }) => {
      const { version } = await import('./commands/version.ts');
      finish(version(world, options));
    });
}

function withSource(command: Command): Command {
  return command
    .option(
      '-f, --file <path>',
      'file, folder or "-" for standard input; can be repeated ($TWINWARD_MANIFESTS; default: manifests)',
      (path: string, before: string[] | undefined) => [...(before ?? []), path],
    )
    .option('--whole', 'what is given is the whole source, even where it is a file or standard input');
}

function withHub(command: Command, world: World): Command {
  return command.option('--hub <name>', 'only this Hub of the manifests').addOption(instanceOption(world));
}

function instanceOption({ env }: World): Option {
  const named = valueOf(env, 'TWINWARD_INSTANCE') ?? 'default';
  if (!INSTANCE_NAME.test(named)) {
    throw new CliFailure(EXIT.Failed, `TWINWARD_INSTANCE is "${named}". ${INSTANCE_RULE}`);
  }
  return new Option('--instance <name>', 'name of this installation: several can share a hub ($TWINWARD_INSTANCE)')
    .default(named)
    .argParser(instanceName);
}

function outputOption(json = 'a versioned JSON document on standard output'): Option {
  return new Option('-o, --output <format>', `text for people, or ${json}`).choices(['text', 'json']).default('text');
}

/** An option with a closed set of values, whose default an environment variable can give. */
function chosen(
  flags: string,
  description: string,
  values: readonly string[],
  env: World['env'],
  byDefault: string,
): Option {
  const variable = /\$(\w+)/.exec(description)?.[1] ?? '';
  const named = valueOf(env, variable);
  if (named !== undefined && !values.includes(named)) {
    throw new CliFailure(EXIT.Failed, `${variable} is "${named}"; allowed are ${values.join(', ')}.`);
  }
  return new Option(flags, description).choices(values).default(named ?? byDefault);
}

/** In milliseconds. */
function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('A time such as 30s, 5m or 1h is needed.');
}

function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number is needed.');
}

/** It becomes a key of a twin's tags. */
const INSTANCE_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const INSTANCE_RULE = 'Lower-case letters, digits and "-" make a name of an instance.';

function instanceName(text: string): string {
  if (INSTANCE_NAME.test(text)) return text;
  throw new InvalidArgumentError(INSTANCE_RULE);
}
