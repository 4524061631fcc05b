// `twinward demo`: hub, fleet and controller on this machine. `--once` converges and ends; otherwise the controller
// keeps watching.
import type { ApplyReport } from '../../controller/once/apply.ts';
import type { Declared } from '../../model/declared.ts';
import { CONNECTION_STRING_ENV, CA_ENV, ENDPOINT_ENV } from '../connect/connect.ts';
import { DEMO_HOST_NAME } from '../input/defaults.ts';
import { demoHints, headText, outcomeText, planLine, sourceLine } from '../demo/demo-text.ts';
import { requireDemoHub, watchDemo } from '../demo/demo-watch.ts';
import { livingHub } from '../connect/access-files.ts';
import { startEmbeddedHub, type EmbeddedHub } from '../connect/embedded-hub.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { pause } from '../interruption.ts';
import { InvalidManifests, pathsOf, readManifests, type SourceOptions } from '../input/manifests.ts';
import { withHubs, type HubSession } from '../connect/plan-hub.ts';
import { createProgress } from '../render/progress.ts';
import { writeDiagnostics } from '../render/report.ts';
import { createStyle } from '../render/style.ts';
import { withTempFolder } from '../input/temp-folder.ts';
import type { World } from '../world.ts';
import { applyWithProgress } from './apply.ts';
import { planHub } from './plan.ts';

export interface DemoOptions extends SourceOptions {
  readonly once?: boolean;
  readonly devices: number;
  readonly seed: number;
  readonly port: number;
}

/** Where other terminals find the running demo; manifests/hub.yaml names the files in it. */
const ACCESS_FOLDER = '.twinward';
const INSTANCE = 'default';

export async function demo(world: World, options: DemoOptions): Promise<ExitCode> {
  if (options.once === true) return withTempFolder(world, 'demo', (folder) => runIn(world, options, folder));
  await requireAlone(world, ACCESS_FOLDER);
  return runIn(world, options, ACCESS_FOLDER);
}

async function runIn(world: World, options: DemoOptions, accessFolder: string): Promise<ExitCode> {
  const { devices, seed, port } = options;
  const fleet = { devices, seed };
  const running = await startEmbeddedHub(world, { hostName: DEMO_HOST_NAME, port, fleet, accessFolder });
  try {
    return await runDemo(onHub(world, running), running, options);
  } finally {
    await running.close();
  }
}

/** Other terminals find one demo by that folder: a second one would replace its files, and delete them at its end. */
async function requireAlone({ interrupted }: World, accessFolder: string): Promise<void> {
  const endpoint = await livingHub(accessFolder, interrupted);
  if (endpoint === undefined) return;
  throw new CliFailure(
    EXIT.Failed,
    `Another demo runs in this folder, at ${endpoint}; its credentials are in ${accessFolder}/.`,
    'Use that one from here, or end it first. In another clone, or with --once, a second one can run beside it.',
  );
}

/** The demo calls only its own hub, whatever the environment and the manifests say. */
function onHub(world: World, { connectionString, endpoint, caFile }: EmbeddedHub): World {
  const env = {
    ...world.env,
    [CONNECTION_STRING_ENV]: connectionString,
    [ENDPOINT_ENV]: endpoint,
    [CA_ENV]: caFile,
  };
  return { ...world, env };
}

async function runDemo(world: World, running: EmbeddedHub, options: DemoOptions): Promise<ExitCode> {
  const { out } = world;
  const style = createStyle(world.env, out);
  out.write(headText(running, style));
  const { loaded } = await readManifests(world, options);
  if (loaded.declared === undefined) {
    writeDiagnostics(world, loaded.diagnostics);
    throw new InvalidManifests(loaded);
  }
  const { declared } = loaded;
  for (const hub of declared.hubs) requireDemoHub(hub);
  const paths = pathsOf(world, options.file);
  out.write(sourceLine(paths, loaded, style));
  let failed = false;
  await withHubs(world, declared, { instance: INSTANCE }, async (session) => {
    failed = await converge(world, declared, session, running, options);
  });
  if (world.interrupted.aborted) return EXIT.Interrupted;
  if (options.once !== true) await watchDemo(world, options, { paths, devices: options.devices, instance: INSTANCE });
  return failed ? EXIT.Failed : EXIT.Ok;
}

/** True if a twin could not be written. */
async function converge(
  world: World,
  declared: Declared,
  session: HubSession,
  running: EmbeddedHub,
  { once = false }: DemoOptions,
): Promise<boolean> {
  const style = createStyle(world.env, world.out);
  const plan = await planHub(world, declared, session, false);
  world.out.write(planLine(plan, style));
  const first = await applyWithProgress(world, session);
  const second = await waitForAgents(world, session);
  world.out.write(outcomeText(first, second, style));
  world.out.write(demoHints(second, running, declared, { once, style }));
  return first.error !== undefined || first.outcomes.Failed > 0;
}

const AGENTS_WAIT_MS = 15_000;
const LOOK_MS = 500;

/** Makes further passes until every online agent has answered, or a timeout; counts what they write. */
async function waitForAgents(world: World, session: HubSession): Promise<ApplyReport> {
  const { clock, interrupted } = world;
  const progress = createProgress(world);
  const untilMs = clock.now() + AGENTS_WAIT_MS;
  let writes = 0;
  for (;;) {
    const report = await applyWithProgress(world, session);
    writes += report.writes;
    const silent = report.counts.acknowledgements.Written;
    if (silent === 0 || clock.now() >= untilMs || interrupted.aborted) {
      progress.clear();
      return { ...report, writes };
    }
    progress.show(`agents  ${silent} have not answered yet`);
    await pause(world, LOOK_MS);
  }
}
