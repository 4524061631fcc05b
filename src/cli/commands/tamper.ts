// `twinward demo tamper DEVICE`: changes a setting on the embedded hub by hand, and waits for its correction.
import { isLoopback } from '../../adapters/credentials.ts';
import { getPath, isObject, setPath, type Json, type JsonObject } from '../../model/json.ts';
import type { Atom } from '../../model/profile.ts';
import { deviceFacts, type ModuleRef, type Twin } from '../../model/twin.ts';
import { isMet } from '../../plan/twin/changes.ts';
import { changesText } from '../../plan/report/change-text.ts';
import type { DeclaredAtom } from '../../plan/target/layering.ts';
import { orMissing } from '../../controller/queue/optional-read.ts';
import { noDevice, requireDeviceId } from '../input/device-id.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { pause } from '../interruption.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { withHubs, type HubSession } from '../connect/plan-hub.ts';
import type { World } from '../world.ts';

export interface TamperOptions extends SourceOptions {
  readonly device: string;
  readonly instance: string;
}

interface Edit extends DeclaredAtom {
  readonly ref: ModuleRef;
  readonly live: Twin;
}

const WAIT_MS = 20_000;
const LOOK_MS = 100;

export async function tamper(world: World, options: TamperOptions): Promise<ExitCode> {
  requireDeviceId(options.device);
  const declared = await readDeclared(world, options, 'text', 'errors');
  let code: ExitCode = EXIT.Failed;
  await withHubs(world, declared, { instance: options.instance }, async (session) => {
    if (!isLoopback(session.endpoint)) {
      throw new CliFailure(
        EXIT.Failed,
        `Hub ${session.declaredHub.name} is not on this machine; nothing was changed.`,
        'Tampering is for the embedded hub: start it with `npm start`.',
      );
    }
    code = await tamperOn(world, session, options.device);
  });
  return code;
}

async function tamperOn(world: World, session: HubSession, deviceId: string): Promise<ExitCode> {
  const { clock, interrupted, out } = world;
  const edit = await chooseEdit(world, session, deviceId);
  const { atom, owner, ref, live } = edit;
  const after = otherValue(atom);
  const desired: JsonObject = {};
  setPath(desired, atom.path, after ?? null);
  await session.hub.patchModuleTwin(ref, { properties: { desired } }, live.etag, interrupted);
  const before = getPath(live.properties.desired, atom.path);
  const { name, path, sensitive } = atom;
  const change = { name, path, before, after, owner, cause: 'Drift' as const, sensitive };
  out.write(`${ref.deviceId}/${ref.moduleId}  changed by hand: ${changesText([change])}\n`);
  const startedAtMs = clock.now();
  while (clock.now() - startedAtMs < WAIT_MS && !interrupted.aborted) {
    await pause(world, LOOK_MS);
    const twin = await session.hub.getModuleTwin(ref, interrupted);
    if (!isMet(atom, twin.properties.desired)) continue;
    out.write(`corrected after ${((clock.now() - startedAtMs) / 1_000).toFixed(1)} s\n`);
    return EXIT.Ok;
  }
  const hint = 'Does the controller run? `npm start` has one, `npx twinward apply` corrects it once.';
  throw new CliFailure(EXIT.Timeout, `It was not corrected within ${WAIT_MS / 1_000} s.`, hint);
}

/** The first setting that the manifests decide on this device and that live has as declared. */
async function chooseEdit(
  { interrupted }: World,
  { hub, planner, declaredHub }: HubSession,
  deviceId: string,
): Promise<Edit> {
  const twin = await orMissing(hub.getDeviceTwin(deviceId, interrupted));
  if (twin === undefined) throw noDevice(deviceId, [declaredHub.name]);
  const device = deviceFacts(twin);
  for (const target of planner.targetsFor(device)) {
    const ref = { deviceId, moduleId: target.moduleId };
    const live = await orMissing(hub.getModuleTwin(ref, interrupted));
    if (live === undefined) continue;
    const met = target.atoms.find(({ atom }) => atom.policy === 'Override' && isMet(atom, live.properties.desired));
    if (met !== undefined) return { ...met, ref, live };
  }
  throw new CliFailure(
    EXIT.Failed,
    `The manifests enforce no setting on ${deviceId} that could be changed.`,
    `Its tags: ${JSON.stringify(device.tags)}. \`npx twinward why ${deviceId}\` says more.`,
  );
}

/** Another value of the same kind if there is an obvious one; undefined removes the setting. */
function otherValue({ value, plain, wrapped }: Atom): Json | undefined {
  const other = otherPlain(plain);
  if (other === undefined) return undefined;
  return wrapped && isObject(value) ? { ...value, value: other } : other;
}

const OTHER_WORDS: Readonly<Record<string, string>> = { High: 'Low', Medium: 'Low', Low: 'High' };

function otherPlain(plain: Json): Json | undefined {
  if (typeof plain === 'boolean') return !plain;
  if (typeof plain === 'number') return plain + 1;
  return typeof plain === 'string' ? OTHER_WORDS[plain] : undefined;
}
