// Explains one module twin as text: its status, then each setting with who decided it and what comes next.
import type { DeclaredHub } from '../../model/declared.ts';
import type { DeviceFacts } from '../../model/twin.ts';
import type { Json } from '../../model/json.ts';
import type { TwinState } from '../../controller/twins/twin-state.ts';
import type { TwinAction } from '../../model/action.ts';
import { shortValue } from '../../plan/report/change-text.ts';
import type { Guard } from '../../model/guard.ts';
import { LIMIT_OF, limitOf } from '../../plan/guard/guards.ts';
import type { Claim } from '../../plan/explain/claims.ts';
import type { SettingExplanation } from '../../plan/explain/explain.ts';
import type { LastWrite } from '../../plan/record/last-write.ts';
import type { Step } from '../../plan/explain/next-step.ts';
import { REDACTED } from '../../plan/report/redaction.ts';
import { limitText } from './resource-fields.ts';
import type { Style } from './style.ts';
import { countOf, formatTable } from './table.ts';

export interface ExplainedTwin {
  readonly hub: Pick<DeclaredHub, 'name' | 'guards'>;
  readonly device: DeviceFacts;
  readonly moduleId: string;
  readonly exists: boolean;
  readonly action: TwinAction;
  readonly state: TwinState | undefined;
  /** Guards that may hold the write. */
  readonly guards: readonly Guard[];
  readonly settings: readonly SettingExplanation[];
}

/** `isWhole`: also print the settings of a module that does not exist. */
export function explainedText(twin: ExplainedTwin, revision: string, isWhole: boolean, style: Style): string {
  const { hub, device, moduleId, exists, settings } = twin;
  const tags = Object.entries(device.tags)
    .map(([key, value]) => `${key}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
  const head = `${style.bold(`${hub.name} / ${device.deviceId} / ${moduleId}`)}   ${tags}`.trimEnd();
  const standing = [exists ? standingText(twin) : missingText(twin), ...guardsText(twin)].join('\n');
  if (!exists && !isWhole) return `${head}\n${standing}\n`;
  const body = settings.map((setting) => settingText(setting, revision, style));
  return `${head}\n${standing}\n${body.length === 0 ? 'No configuration names a setting of it.\n' : `\n${body.join('\n')}`}`;
}

const MISSING_WORDS: Readonly<Record<string, string>> = {
  Create: 'it is to be created',
  Wait: 'Twinward waits until its agent is installed, or an enforced configuration says module: {whenMissing: Create}',
  Skip: 'it need not exist',
  Hold: 'nothing happens until a person decides',
};

const DISABLED_WORDS = 'can only be created once the device is enabled';

function missingText({ action, device, settings }: ExplainedTwin): string {
  const { type, reason, message } = action;
  const declared = settings.filter(({ claims }) => claims.some(isWinning)).length;
  const isDisabled = type === 'Wait' && device.status !== 'enabled';
  const then = isDisabled ? DISABLED_WORDS : (MISSING_WORDS[type] ?? `${type} (${reason})`);
  const why = message === undefined ? '' : `\n${reason}: ${message}`;
  return `the module does not exist and ${then}; ${countOf(declared, 'setting')} would be declared for it${why}`;
}

const STANDING_WORDS: Readonly<Record<TwinAction['type'], string>> = {
  Equal: 'as declared',
  Patch: 'to be written at the next pass',
  Record: 'every setting is as declared; only the record is to be written',
  Create: 'to be created',
  Observe: 'it differs and is left alone',
  Wait: 'waited for',
  Skip: 'not needed',
  Keep: 'left as it is',
  Hold: 'held: nothing is written to it',
};

function standingText({ action, state }: ExplainedTwin): string {
  const { type, reason, message } = action;
  if (state === undefined) return 'nothing is declared for it, and nothing is owned';
  const detail = message ?? state.detail;
  const more = detail === undefined ? '' : `: ${detail}`;
  if (type === 'Equal') return `${STANDING_WORDS.Equal}; the agent: ${state.acknowledgement ?? 'Written'}${more}`;
  return `${STANDING_WORDS[type]} (${reason})${more}`;
}

/** Guards count over a whole pass, but only one device was read: whether they hold it is unknown. */
function guardsText({ hub, guards }: ExplainedTwin): string[] {
  if (guards.length === 0) return [];
  const names = guards.map((guard) => {
    const limit = limitOf(guard, hub.guards);
    return limit === undefined ? guard : `${guard} (${LIMIT_OF[guard]}: ${limitText(limit)})`;
  });
  const which = `${names.length === 1 ? 'A guard' : 'Guards'} of Hub "${hub.name}" may hold it: ${names.join(', ')}.`;
  return [`${which} Guards judge the whole hub: run twinward plan to find out.`];
}

function isWinning({ verdict }: Claim): boolean {
  return verdict === 'Won' || verdict === 'Held';
}

function settingText(setting: SettingExplanation, revision: string, style: Style): string {
  const { name, owner, whose, sensitive, lastWrite, acknowledgement } = setting;
  const show = (value: Json | undefined): string =>
    value === undefined ? 'absent' : sensitive ? REDACTED : shortValue(value);
  const answer = acknowledgement === undefined ? undefined : answerText(acknowledgement);
  const written = [lastWrite === undefined ? undefined : writtenText(lastWrite), answer].filter(isText).join(', ');
  const next = nextText(setting, show);
  return [
    style.bold(name),
    `declared ${declaredText(setting, revision, show)}`,
    `live     ${show(setting.live)}${written === '' ? '' : `   ${written}`}`,
    ...(next === undefined ? [] : [`next     ${next}`]),
    ...(owner === undefined ? [] : [`owner    ${owner}`]),
    ...(whose === undefined ? [] : [`whose    ${whose}`]),
    claimsTable(setting, show),
  ].join('\n');
}

function isText(text: string | undefined): text is string {
  return text !== undefined;
}

function declaredText({ declared, claims }: SettingExplanation, revision: string, show: Show): string {
  const winning = claims.filter(isWinning);
  const from = `   ${revision.slice(0, 19)}`;
  if (declared !== undefined) return `${show(declared)}${from}`;
  if (winning.length === 0) return 'nothing';
  return winning.length === 1 ? `absent${from}` : 'nothing while two conflict';
}

const WRITERS = { Twinward: ' by Twinward', Other: ' by another writer' } as const;

function writtenText({ at, by, revision }: LastWrite): string {
  const what = revision === undefined ? '' : ` (${revision})`;
  return `written ${at.replace(/\.\d+Z$/, 'Z')}${by === undefined ? '' : WRITERS[by]}${what}`;
}

function answerText({ state, detail }: NonNullable<SettingExplanation['acknowledgement']>): string | undefined {
  if (state === 'Written') return undefined;
  return detail === undefined ? state : `${state} (${detail})`;
}

const STEP_WORDS: Readonly<Record<Exclude<Step, 'Refused'>, string>> = {
  Written: 'write',
  Removed: 'remove it',
  Kept: 'leave it as it is',
  Adopted: 'leave it as it is, and record its owner',
  Released: 'release it, and leave it as it is',
};

function nextText({ next }: SettingExplanation, show: Show): string | undefined {
  if (next === undefined) return undefined;
  const { step, reason, because, value } = next;
  if (step === 'Refused') return `nothing while the twin is held (${reason})`;
  const what = value === undefined ? STEP_WORDS[step] : `${STEP_WORDS[step]} ${show(value)}`;
  return `${what}${reason === undefined ? '' : ` (${reason})`}: ${because}`;
}

type Show = (value: Json | undefined) => string;

function claimsTable({ claims, agentDefault }: SettingExplanation, show: Show): string {
  const rows = claims.map(({ verdict, priority, configuration, origin, because, ...claim }) => [
    verdict === 'Won' ? 'WON' : verdict === 'Held' ? 'HELD' : verdict.toLowerCase(),
    priority === undefined ? '-' : String(priority),
    configuration,
    'value' in claim ? show(claim.value) : 'unset',
    `${origin.file}:${origin.line}:${origin.column}`,
    because,
  ]);
  const fallback = agentDefault === undefined ? [] : [['', '', 'agent default', show(agentDefault), '', '']];
  return formatTable([...rows, ...fallback], '  ');
}
