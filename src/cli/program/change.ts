// Commands that write to hubs: once, continuously, or to stop writing in an emergency.
import {
  withSource,
  withHub,
  instanceOption,
  outputOption,
  chosen,
  duration,
  DEFAULT_BIND_ADDRESS,
  type Parts,
  type Common,
} from './options.ts';
import type { SourceOptions } from '../input/manifests.ts';
import { valueOf } from '../world.ts';
import { TIMEOUT_MS, WAITS, type WaitChoice } from '../input/wait-choice.ts';
import { Option, type Command } from 'commander';

export function addApply({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('apply')), world)
    .description('Make the live twins equal to the manifests, once, after showing the plan and asking.')
    .argument('[plan]', 'a file of plan --out: write exactly that, without asking, or nothing')
    .addOption(outputOption())
    .option('-y, --yes', 'write without asking')
    .option('--force', 'take the lease from its holder')
    .option('--partial', 'of a saved plan, write unchanged twins, and leave the rest')
    .addOption(
      new Option('--wait <for>', 'end once the hub stored it, or once agents applied it')
        .choices(WAITS)
        .default('written'),
    )
    .option('--timeout <time>', 'how long to wait for agents: 30s, 5m', duration, TIMEOUT_MS)
    .action(async (plan: string | undefined, options: ApplyFlags) => {
      if (plan === undefined) {
        const { apply } = await import('../commands/apply.ts');
        finish(await apply(world, options));
      } else {
        const { applyPlan } = await import('../commands/apply-plan.ts');
        finish(await applyPlan(world, { ...options, plan }));
      }
    });
}

interface ApplyFlags extends Common, WaitChoice {
  readonly force?: boolean;
  readonly yes?: boolean;
  readonly partial?: boolean;
}

export function addSuspend({ program, world, finish }: Parts): void {
  withSubject(withHub(withSource(program.command('suspend')), world))
    .description('Stop writing at once, without git: for a configuration, a device or everything. Kept on the hub.')
    .requiredOption('--reason <text>', 'why; shown to all users')
    .option('--for <time>', 'end it after this time: 30m, 4h; by default resume ends it', duration)
    .addOption(outputOption())
    .action(async (options: Common & SubjectFlags & { reason: string; for?: number }) => {
      const { suspend } = await import('../commands/suspend.ts');
      finish(await suspend(world, options));
    });
}

export function addResume({ program, world, finish }: Parts): void {
  withSubject(withHub(withSource(program.command('resume')), world))
    .description('End a suspension; with --all every one.')
    .addOption(outputOption())
    .action(async (options: Common & SubjectFlags) => {
      const { resume } = await import('../commands/suspend.ts');
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

export function addUninstall({ program, world, finish }: Parts): void {
  withHub(withSource(program.command('uninstall')), world)
    .description('Remove our records and our device from a hub. Every setting stays as it is.')
    .option('-y, --yes', 'without asking')
    .option('--force', 'take the lease from its holder')
    .addOption(outputOption())
    .action(async (options: Common & { yes?: boolean; force?: boolean }) => {
      const { uninstall } = await import('../commands/uninstall.ts');
      finish(await uninstall(world, options));
    });
}

export function addRun({ program, world, finish }: Parts): void {
  const { env } = world;
  withSource(program.command('run'))
    .description('Run the controller: watch the manifests and the hubs, and keep them equal.')
    .addOption(instanceOption(world))
    .addOption(
      new Option('--resync-period <time>', 'how often to compare every twin ($TWINWARD_RESYNC_PERIOD)').default(
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
      const { run } = await import('../commands/run.ts');
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
