// `twinward why DEVICE [KEY]`: by direct reads, who decided what for one device.
import { deviceFacts, type DeviceFacts } from '../../model/twin.ts';
import { isException, type Declared } from '../../model/declared.ts';
import type { Json } from '../../model/json.ts';
import { closest } from '../../model/similarity.ts';
import { shortValue } from '../../plan/change-text.ts';
import { explainTwin, type Claim, type SettingExplanation } from '../../plan/explain.ts';
import type { Layer } from '../../plan/layer.ts';
import type { Planner } from '../../plan/planner.ts';
import { REDACTED } from '../../plan/redaction.ts';
import type { Hub } from '../../ports/hub.ts';
import { createLookAround } from '../../controller/neighbours.ts';
import { stateOf, type TwinState } from '../../controller/twin-state.ts';
import { orMissing } from '../../controller/scope.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../manifests.ts';
import { withHubs, type HubChoice, type HubSession } from '../plan-hub.ts';
import { writeDocument, type Format } from '../report.ts';
import { createStyle, type Style } from '../style.ts';
import { countOf, formatTable } from '../table.ts';
import type { World } from '../world.ts';

export interface WhyOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  readonly device: string;
  readonly key?: string;
}

interface ExplainedTwin {
  readonly hub: string;
  readonly device: DeviceFacts;
  readonly moduleId: string;
  readonly exists: boolean;
  readonly state: TwinState | undefined;
  readonly settings: readonly SettingExplanation[];
}

export async function why(world: World, options: WhyOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, options.output, 'errors');
  const twins: ExplainedTwin[] = [];
  await withHubs(world, declared, options, async (session) => {
    twins.push(...(await explainDevice(world, declared, session, options)));
  });
  if (twins.length === 0) {
    throw new CliFailure(EXIT.Failed, `There is no device "${options.device}".`, 'Names are case-sensitive.');
  }
  const explained = options.key === undefined ? twins : onlyKey(twins, options.key);
  if (options.output === 'json') {
    writeDocument(world, 'Why', { revision: declared.revision, twins: explained.map(twinFields) });
  } else {
    const style = createStyle(world.env, world.out);
    const shown = explained.toSorted((a, b) => Number(b.exists) - Number(a.exists));
    const isWhole = options.key !== undefined;
    world.out.write(shown.map((twin) => twinText(twin, declared.revision, isWhole, style)).join('\n'));
  }
  return EXIT.Ok;
}

/** Nothing where the hub has no such device. */
async function explainDevice(
  { interrupted, clock }: World,
  declared: Declared,
  { hub, declaredHub, planner }: HubSession,
  { device: deviceId, instance }: WhyOptions,
): Promise<ExplainedTwin[]> {
  const deviceTwin = await orMissing(hub.getDeviceTwin(deviceId, interrupted));
  if (deviceTwin === undefined) return [];
  const device = deviceFacts(deviceTwin);
  const explained: ExplainedTwin[] = [];
  const lookAround = createLookAround(hub, interrupted);
  let isFleetNoted = false;
  for (const moduleId of planner.moduleIds) {
    const live = await orMissing(hub.getModuleTwin({ deviceId, moduleId }, interrupted));
    if (!isFleetNoted && planner.targetFor(device, moduleId).layers.some(isCounted)) {
      await noteFleet(planner, hub, interrupted);
      isFleetNoted = true;
    }
    const target = planner.targetFor(device, moduleId);
    if (live === undefined && target.layers.length === 0) continue;
    const nowMs = clock.now();
    const around = await lookAround({ deviceId, moduleId }, device, nowMs);
    const state = stateOf(planner.plan(target, device, live, nowMs, around), target, live, nowMs);
    const settings = explainTwin({ declared, hubName: declaredHub.name, instance, target, device, live });
    explained.push({ hub: declaredHub.name, device, moduleId, exists: live !== undefined, state, settings });
  }
  if (explained.length > 0) return explained;
  throw new CliFailure(
    EXIT.Failed,
    `No configuration selects ${deviceId} on hub ${declaredHub.name}, and it has none of the modules they manage.`,
    `Its tags: ${JSON.stringify(device.tags)}.`,
  );
}

/** Only what is for so many devices at most needs the list of all devices. */
function isCounted({ configuration }: Layer): boolean {
  return isException(configuration) && configuration.maxDevices !== undefined;
}

async function noteFleet(planner: Planner, hub: Hub, signal: AbortSignal): Promise<void> {
  const devices: DeviceFacts[] = [];
  for await (const page of hub.listDevices(signal)) devices.push(...page);
  planner.noteFleet(devices);
}

function onlyKey(twins: readonly ExplainedTwin[], key: string): ExplainedTwin[] {
  const found = twins
    .map((twin) => ({ ...twin, settings: twin.settings.filter(({ name }) => name === key) }))
    .filter(({ settings }) => settings.length > 0);
  if (found.length > 0) return found;
  const names = twins.flatMap(({ settings }) => settings.map(({ name }) => name));
  const meant = closest(key, names);
  throw new CliFailure(
    EXIT.Failed,
    `No configuration names the setting "${key}" for these modules.`,
    meant === undefined ? `They name: ${[...new Set(names)].join(', ')}.` : `Did you mean "${meant}"?`,
  );
}

function twinFields({ hub, device, moduleId, exists, state, settings }: ExplainedTwin): object {
  return {
    hub,
    deviceId: device.deviceId,
    moduleId,
    tags: device.tags,
    exists,
    ...(state === undefined ? {} : { state: { ...state } }),
    settings: settings.map(settingFields),
  };
}

function settingFields(setting: SettingExplanation): object {
  if (!setting.sensitive) return setting;
  const hide = (fields: object): object =>
    Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, HIDDEN.has(key) ? REDACTED : value]));
  return { ...hide(setting), claims: setting.claims.map(hide) };
}

const HIDDEN: ReadonlySet<string> = new Set(['declared', 'live', 'value', 'agentDefault']);

function twinText(
  { hub, device, moduleId, exists, state, settings }: ExplainedTwin,
  revision: string,
  isWhole: boolean,
  style: Style,
): string {
  const tags = Object.entries(device.tags)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
  const head = `${style.bold(`${hub} / ${device.deviceId} / ${moduleId}`)}   ${tags}`;
  if (!exists && !isWhole) return `${head}\n${missingText(state, settings)}\n`;
  const standing = exists ? stateText(state) : missingText(state, settings);
  const body = settings.map((setting) => settingText(setting, revision, style));
  return `${head}\n${standing}\n${body.length === 0 ? 'No configuration names a setting of it.\n' : `\n${body.join('\n')}`}`;
}

const MISSING_WORDS: Readonly<Record<string, string>> = {
  Create: 'it will be created',
  Wait: 'it is waited for',
  Skip: 'it need not exist',
};

function missingText(state: TwinState | undefined, settings: readonly SettingExplanation[]): string {
  const declared = settings.filter(({ claims }) => claims.some(({ verdict }) => verdict === 'Won')).length;
  const then = MISSING_WORDS[state?.type ?? ''] ?? `${state?.type ?? 'nothing'} (${state?.reason ?? ''})`;
  return `the module does not exist and ${then}; ${countOf(declared, 'setting')} would be declared for it`;
}

function stateText(state: TwinState | undefined): string {
  if (state === undefined) return 'nothing is declared for it, and nothing is owned';
  const { type, reason, acknowledgement, detail } = state;
  const words =
    type === 'Equal' ? `written as declared; the agent: ${acknowledgement ?? 'Written'}` : `${type} (${reason})`;
  return detail === undefined ? words : `${words}: ${detail}`;
}

function settingText(setting: SettingExplanation, revision: string, style: Style): string {
  const { name, owner, claims, sensitive } = setting;
  const show = (value: Json | undefined): string =>
    value === undefined ? 'absent' : sensitive ? REDACTED : shortValue(value);
  const isDeclared = claims.some(({ verdict }) => verdict === 'Won');
  const declared = isDeclared ? `${show(setting.declared)}   ${revision.slice(0, 19)}` : 'nothing';
  const rows = claims.map(({ verdict, priority, configuration, origin, because, ...claim }) => [
    verdict === 'Won' ? 'WON' : verdict.toLowerCase(),
    verdict === 'Out' || priority === undefined ? '-' : String(priority),
    configuration,
    'value' in claim ? show(claim.value) : 'unset',
    placeOf(origin),
    because,
  ]);
  const fallback =
    setting.agentDefault === undefined ? [] : [['', '', 'agent default', show(setting.agentDefault), '', '']];
  return [
    style.bold(name),
    `declared ${declared}`,
    `live     ${show(setting.live)}`,
    ...(owner === undefined ? [] : [`owner    ${owner}`]),
    formatTable([...rows, ...fallback], '  '),
  ].join('\n');
}

function placeOf({ file, line, column }: Claim['origin']): string {
  return `${file}:${line}:${column}`;
}
