// `twinward why DEVICE [KEY]`: explains by direct reads which manifest decided each setting of a device.
import { deviceFacts, type DeviceFacts } from '../../model/twin.ts';
import { isException, type Declared } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import { closest } from '../../model/similarity.ts';
import { writes } from '../../model/action.ts';
import type { Layer } from '../../plan/target/layering.ts';
import { explainTwin, type SettingExplanation } from '../../plan/explain/explain.ts';
import { guardsOver } from '../../plan/guard/guards.ts';
import type { Planner } from '../../plan/planner.ts';
import { rawRecord } from '../../plan/record/record.ts';
import { REDACTED } from '../../plan/report/redaction.ts';
import { riskContext, risksOf } from '../../plan/guard/risk.ts';
import type { Registry, Twins } from '../../ports/hub.ts';
import { settingNames } from '../../profile/settings.ts';
import { createReadOthers } from '../../controller/context/automatic-writers.ts';
import { stateOf } from '../../controller/twins/twin-state.ts';
import { orMissing } from '../../controller/queue/optional-read.ts';
import { noDevice, requireDeviceId } from '../input/device-id.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { writeDocument, type Format } from '../render/report.ts';
import { createStyle } from '../render/style.ts';
import { explainedText, type ExplainedTwin } from '../render/why-text.ts';
import type { World } from '../world.ts';

export interface WhyOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  readonly device: string;
  readonly key?: string;
}

export async function why(world: World, options: WhyOptions): Promise<ExitCode> {
  requireDeviceId(options.device);
  const declared = await readDeclared(world, options, options.output, 'errors');
  const twins: ExplainedTwin[] = [];
  const asked: string[] = [];
  const missing: CliFailure[] = [];
  await withHubs(world, declared, options, async (session) => {
    asked.push(session.declaredHub.name);
    const explained = await explainDevice(world, declared, session, options);
    if (Array.isArray(explained)) twins.push(...explained);
    else if (explained !== undefined) missing.push(explained);
  });
  if (twins.length === 0) throw missing[0] ?? noDevice(options.device, asked);
  const explained = options.key === undefined ? twins : onlyKey(twins, options.key, declared);
  if (options.output === 'json') {
    writeDocument(world, 'Why', { revision: declared.revision, twins: explained.map(twinFields) });
  } else {
    const style = createStyle(world.env, world.out);
    const shown = explained.toSorted((a, b) => Number(b.exists) - Number(a.exists));
    const isWhole = options.key !== undefined;
    world.out.write(shown.map((twin) => explainedText(twin, declared.revision, isWhole, style)).join('\n'));
  }
  return EXIT.Ok;
}

/** Undefined if the hub has no such device; fails if it has nothing of ours. */
async function explainDevice(
  { interrupted, clock }: World,
  declared: Declared,
  session: HubSession,
  { device: deviceId, instance, key }: WhyOptions,
): Promise<ExplainedTwin[] | CliFailure | undefined> {
  const { hub, declaredHub } = session;
  const deviceTwin = await orMissing(hub.getDeviceTwin(deviceId, interrupted));
  if (deviceTwin === undefined) return undefined;
  const device = deviceFacts(deviceTwin);
  const explained: ExplainedTwin[] = [];
  const readOthers = createReadOthers(hub, interrupted);
  const risks = riskContext(session.planner);
  let { planner } = session;
  let isFleetCounted = false;
  for (const moduleId of await moduleIdsOf(deviceId, declared, session.planner, hub, interrupted)) {
    const live = await orMissing(hub.getModuleTwin({ deviceId, moduleId }, interrupted));
    if (!isFleetCounted && planner.targetFor(device, moduleId).layers.some(isCounted)) {
      planner = planner.forFleet(await listDevices(hub, interrupted));
      isFleetCounted = true;
    }
    const target = planner.targetFor(device, moduleId);
    const isManaged = planner.moduleIds.includes(moduleId);
    if (live === undefined ? target.layers.length === 0 : !isManaged && rawRecord(live, instance) === undefined) {
      continue;
    }
    const nowMs = clock.now();
    const others = await readOthers({ deviceId, moduleId }, device);
    const decision = planner.decide(target, device, live, nowMs, others);
    const { action } = decision;
    const state = stateOf(action, target, live, nowMs);
    const settings = explainTwin({ hubName: declaredHub.name, decision, ...(key === undefined ? {} : { key }) });
    // Guards count kept settings too, but a kept setting can't be held.
    const guards = writes(action) ? guardsOver(risksOf(action, live, risks), declaredHub.guards) : [];
    const exists = live !== undefined;
    explained.push({ hub: declaredHub, device, moduleId, exists, action, state, guards, settings });
  }
  if (explained.length > 0) return explained;
  return new CliFailure(
    EXIT.Failed,
    `No configuration selects ${deviceId} on hub ${declaredHub.name}, and it has none of the modules they manage.`,
    `Its tags: ${JSON.stringify(device.tags)}.`,
  );
}

/** Managed modules and those of the device: a record may outlive every configuration for its module. */
async function moduleIdsOf(
  deviceId: string,
  { profiles }: Declared,
  { moduleIds }: Planner,
  hub: Registry,
  signal: AbortSignal,
): Promise<readonly string[]> {
  try {
    return [...new Set([...moduleIds, ...(await hub.listModuleIds(deviceId, signal))])];
  } catch (error) {
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
    // Without the right to read the registry, use the modules that some profile knows.
    const known = [...profiles.values()].map(({ moduleId }) => moduleId).filter((moduleId) => moduleId !== '');
    return [...new Set([...moduleIds, ...known])];
  }
}

/** Only layers with `maxDevices` need the list of all devices. */
function isCounted({ configuration }: Layer): boolean {
  return isException(configuration) && configuration.maxDevices !== undefined;
}

async function listDevices(hub: Twins, signal: AbortSignal): Promise<readonly DeviceFacts[]> {
  const devices: DeviceFacts[] = [];
  for await (const page of hub.listDevices(signal)) devices.push(...page);
  return devices;
}

function onlyKey(twins: readonly ExplainedTwin[], key: string, { profiles }: Declared): ExplainedTwin[] {
  const found = twins
    .map((twin) => ({ ...twin, settings: twin.settings.filter(({ name }) => name === key) }))
    .filter(({ settings }) => settings.length > 0);
  if (found.length > 0) return found;
  const names = twins.flatMap(({ settings }) => settings.map(({ name }) => name));
  const moduleIds = twins.map(({ moduleId }) => moduleId);
  const known = [...profiles.values()].filter(({ moduleId }) => moduleIds.includes(moduleId)).flatMap(settingNames);
  const meant = closest(key, [...names, ...known]);
  throw new CliFailure(
    EXIT.Failed,
    `No manifest and no profile has the setting "${key}", no record holds it, and it is not on the twin (${moduleIds.join(', ')}).`,
    meant === undefined ? `Settings there: ${[...new Set(names)].join(', ')}.` : `Did you mean "${meant}"?`,
  );
}

function twinFields({ hub, device, moduleId, exists, state, guards, settings }: ExplainedTwin): object {
  return {
    hub: hub.name,
    deviceId: device.deviceId,
    moduleId,
    tags: device.tags,
    exists,
    ...(state === undefined ? {} : { state: { ...state } }),
    ...(guards.length === 0 ? {} : { guards }),
    settings: settings.map(settingFields),
  };
}

function settingFields(setting: SettingExplanation): object {
  if (!setting.sensitive) return setting;
  const hide = (fields: object): object =>
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, HIDDEN.has(key) ? REDACTED : value]));
  const { next, claims } = setting;
  return { ...hide(setting), ...(next === undefined ? {} : { next: hide(next) }), claims: claims.map(hide) };
}

const HIDDEN: ReadonlySet<string> = new Set(['declared', 'live', 'value', 'agentDefault']);
