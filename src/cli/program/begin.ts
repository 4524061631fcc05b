// Commands for getting started: import, doctor, schemas, version.
import { withSource, withHub, outputOption, type Parts, type Common } from './options.ts';
import type { Format } from '../render/report.ts';

export function addImport({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('import')), world)
    .description('Write manifests for a fleet as it is: observed groups that change nothing.')
    .option('--group-by <tag>', 'a device tag to group twins by; can be repeated', collect, [])
    .option('--out <folder>', 'folder for the manifests, new or empty', 'imported')
    .option('--snapshot <path>', 'import the fleet in this file of twinward snapshot, without any hub')
    .option('-y, --yes', 'read the fleet without asking')
    .addOption(outputOption())
    .action(async (options: ImportFlags) => {
      const { importFleet } = await import('../commands/import.ts');
      finish(await importFleet(world, options));
    });
}

export function addDoctor({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('doctor')), world)
    .description(
      'Check credentials, permissions, clocks and other writers, without writing; print a fix for each problem.',
    )
    .addOption(outputOption())
    .action(async (options: Common) => {
      const { doctor } = await import('../commands/doctor.ts');
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

export function addSchema({ program, world, finish }: Parts): void {
  program
    .command('schema')
    .description('Print the JSON Schema of a kind, for editors.')
    .argument('<kind>', 'Hub, DeviceGroup, SecurityConfiguration, SecurityException, AgentProfile or all')
    .action(async (kind: string) => {
      const { schema } = await import('../commands/schema.ts');
      finish(schema(world, kind));
    });
}

export function addVersion({ program, world, finish }: Parts): void {
  program
    .command('version')
    .description('Print the version.')
    .addOption(outputOption())
    .action(async (options: { output: Format }) => {
      const { version } = await import('../commands/version.ts');
      finish(version(world, options));
    });
}
