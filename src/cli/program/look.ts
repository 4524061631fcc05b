// Commands that only read: manifests, plans, status, and explanations.
import { withSource, withHub, outputOption, DEFAULT_BIND_ADDRESS, type Parts, type Common } from './options.ts';
import type { SourceOptions } from '../input/manifests.ts';
import type { Format } from '../render/report.ts';
import { valueOf } from '../world.ts';

export function addValidate({ program, world, finish }: Parts): void {
  withSource(program.command('validate'))
    .description('Check manifests without a hub: every problem at once, with its place.')
    .addOption(outputOption())
    .action(async (options: SourceOptions & { output: Format }) => {
      const { validate } = await import('../commands/validate.ts');
      finish(await validate(world, options));
    });
}

export function addPlan({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('plan')), world)
    .description('Show what apply would change now. Writes nothing.')
    .addOption(outputOption())
    .option('--detailed-exitcode', 'exit with 2 where desired properties or modules would change')
    .option('--by <tag>', 'count twins by this device tag')
    .option('--from <commit>', 'show only changes since this commit; count pending ones')
    .option('--to <commit>', 'plan the manifests of this commit instead of those on disk')
    .option('--out <path>', 'save the plan for apply, without values')
    .option('--snapshot <path>', 'plan the fleet in this file of twinward snapshot, without any hub')
    .action(async (options: PlanFlags) => {
      const { plan } = await import('../commands/plan.ts');
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

export function addSnapshot({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('snapshot')), world)
    .description('Write the fleet to a file, without secrets, for plans that need no hub.')
    .option('--out <path>', 'a file; standard output without it')
    .action(async (options: Omit<Common, 'output'> & { out?: string }) => {
      const { snapshot } = await import('../commands/snapshot.ts');
      finish(await snapshot(world, options));
    });
}

export function addStatus({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('status')), world)
    .description('Show counts and conditions of each hub, worst twins first.')
    .addOption(outputOption())
    .action(async (options: Common) => {
      const { status } = await import('../commands/status.ts');
      finish(await status(world, options));
    });
}

export function addEvents({ program, world, finish }: Parts): void {
  program
    .command('events')
    .description('Show recent writes and warnings of a running controller.')
    .option(
      '--address <address>',
      'address of its metrics ($TWINWARD_BIND_ADDRESS)',
      valueOf(world.env, 'TWINWARD_BIND_ADDRESS') ?? DEFAULT_BIND_ADDRESS,
    )
    .option('--device <id>', 'only of this device')
    .option('-w, --watch', 'continue with new ones, one per line')
    .addOption(outputOption())
    .action(async (options: EventsFlags) => {
      const { events } = await import('../commands/events.ts');
      finish(await events(world, options));
    });
}

interface EventsFlags {
  readonly output: Format;
  readonly address: string;
  readonly device?: string;
  readonly watch?: boolean;
}

export function addGet({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('get')), world)
    .description('List devices, groups, configurations, exceptions or profiles, with their status.')
    .argument('<devices|groups|configurations|exceptions|profiles>', 'what to list')
    .addOption(outputOption())
    .action(async (list: string, options: Common) => {
      const { get, parseList } = await import('../commands/get.ts');
      finish(await get(world, { ...options, list: parseList(list) }));
    });
}

export function addDescribe({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('describe')), world)
    .description('Show one resource: its manifest, and its status on each hub.')
    .argument('<kind>', 'hub, group, configuration, exception or profile')
    .argument('<name>', 'its name in the manifests')
    .addOption(outputOption())
    .action(async (kind: string, name: string, options: Common) => {
      const { describe } = await import('../commands/describe.ts');
      finish(await describe(world, { ...options, kind, name }));
    });
}

export function addWhy({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('why')), world)
    .description('Explain a device: for each setting, which manifest decided, and which lost.')
    .argument('<device>', 'id of the device')
    .argument('[key]', 'only this setting')
    .addOption(outputOption())
    .action(async (device: string, key: string | undefined, options: Common) => {
      const { why } = await import('../commands/why.ts');
      finish(await why(world, { ...options, device, ...(key === undefined ? {} : { key }) }));
    });
}
