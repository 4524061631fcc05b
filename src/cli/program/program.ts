// The command line: its commands, and the handling of their failures. Their options are in the other files here.
import { Command, CommanderError } from 'commander';
import { versionText } from '../commands/version.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { toFailure } from '../failure.ts';
import { addDoctor, addImport, addSchema, addVersion } from './begin.ts';
import { addApply, addResume, addRun, addSuspend, addUninstall } from './change.ts';
import { addDemo, addHub } from './embedded.ts';
import { addDescribe, addEvents, addGet, addPlan, addSnapshot, addStatus, addValidate, addWhy } from './look.ts';
import type { Finish, Parts } from './options.ts';
import { writeBug, writeFailure } from '../render/report.ts';
import type { World } from '../world.ts';

/** Never rejects: prints failures, and returns their exit code. */
export async function runProgram(world: World, argv: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.Ok;
  try {
    const program = createProgram(world, (result) => {
      code = result;
    });
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    // Commander has printed its own error; help and version end this way too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.Ok : EXIT.Failed;
    return reportFailure(world, argv, error);
  }
}

function reportFailure(world: World, argv: readonly string[], error: unknown): ExitCode {
  const failure = toFailure(error);
  if (failure === undefined) {
    writeBug(world, error);
    return EXIT.Failed;
  }
  // Invalid manifests have printed their document already.
  const format = wantsJson(argv) && failure.exitCode !== EXIT.InvalidManifests ? 'json' : 'text';
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

function createProgram(world: World, finish: Finish): Command {
  const program = new Command('twinward')
    .description('GitOps for Azure IoT Hub security module twins.')
    .version(versionText(), '--version', 'print the version')
    // Options after the name of a subcommand belong to it, even if its parent has the same option.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => world.out.write(text),
      writeErr: (text) => world.err.write(text),
      getOutHelpWidth: () => world.out.columns,
      getErrHelpWidth: () => world.err.columns,
    })
    .showHelpAfterError('Use --help after a command to see its options.')
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
