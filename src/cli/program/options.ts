// Shared options: manifests, hub, output format, and parsers of option values.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDurationMs } from '../input/duration.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import type { SourceOptions } from '../input/manifests.ts';
import type { HubChoice } from '../connect/plan-hub.ts';
import type { Format } from '../render/report.ts';
import { valueOf, type World } from '../world.ts';

/** The command to extend, and the callback for its exit code. */
export interface Parts {
  readonly program: Command;
  readonly world: World;
  readonly finish: Finish;
}

export type Finish = (code: ExitCode) => void;

export interface Common extends SourceOptions, HubChoice {
  readonly output: Format;
}

export const DEFAULT_BIND_ADDRESS = '127.0.0.1:8080';

export function withSource(command: Command): Command {
  return command
    .option(
      '-f, --file <path>',
      'file, folder or "-" for standard input; can be repeated ($TWINWARD_MANIFESTS; default: manifests)',
      (path: string, before: string[] | undefined) => [...(before ?? []), path],
    )
    .option('--whole', 'the input is the whole source, even a file or standard input');
}

export function withHub(command: Command, world: World): Command {
  return command.option('--hub <name>', 'only this Hub of the manifests').addOption(instanceOption(world));
}

export function instanceOption({ env }: World): Option {
  const named = valueOf(env, 'TWINWARD_INSTANCE') ?? 'default';
  if (!INSTANCE_NAME.test(named)) {
    throw new CliFailure(EXIT.Failed, `TWINWARD_INSTANCE is "${named}". ${INSTANCE_RULE}`);
  }
  return new Option('--instance <name>', 'name of this installation: several can share a hub ($TWINWARD_INSTANCE)')
    .default(named)
    .argParser(instanceName);
}

export function outputOption(json = 'a versioned JSON document on standard output'): Option {
  return new Option('-o, --output <format>', `text for people, or ${json}`).choices(['text', 'json']).default('text');
}

/** An option with a closed set of values; an environment variable can give its default. */
export function chosen(
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
export function duration(text: string): number {
  const ms = parseDurationMs(text);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('Give a time such as 30s, 5m or 1h.');
}

export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number.');
}

export function oneOrMore(text: string): number {
  const number = wholeNumber(text);
  if (number > 0) return number;
  throw new InvalidArgumentError('It must be 1 or more.');
}

const PORT_MAX = 65_535;

export function portNumber(text: string): number {
  const number = wholeNumber(text);
  if (number <= PORT_MAX) return number;
  throw new InvalidArgumentError(`A port is a number from 0 to ${PORT_MAX}.`);
}

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$/i;

export function hostName(text: string): string {
  if (HOST_NAME.test(text)) return text;
  throw new InvalidArgumentError('Give a name such as my-hub.azure-devices.net.');
}

/** It becomes a key in a twin's tags. */
const INSTANCE_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const INSTANCE_RULE = 'Use lower-case letters, digits and "-" for the name of an instance.';

function instanceName(text: string): string {
  if (INSTANCE_NAME.test(text)) return text;
  throw new InvalidArgumentError(INSTANCE_RULE);
}
