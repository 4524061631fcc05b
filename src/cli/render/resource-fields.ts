// The content of a manifest, as rows for text and JSON. Contains no sensitive value.
import type {
  Declared,
  DeclaredConfiguration,
  DeclaredException,
  DeclaredGroup,
  DeclaredHub,
  Limit,
} from '../../model/declared.ts';
import type { Origin } from '../../model/diagnostic.ts';
import { formatPointer } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import type { FactKey, Requirement, Selector } from '../../model/selector.ts';
import { momentText } from '../../model/moment.ts';
import { shortValue } from '../../plan/report/change-text.ts';
import { REDACTED } from '../../plan/report/redaction.ts';

/** Label to value; empty fields are omitted. */
export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

export function hubFields({ hostName, endpoint, mode, capacity, budget, guards }: DeclaredHub): Fields {
  return {
    host: hostName,
    endpoint,
    mode,
    capacity: capacity === undefined ? undefined : `${capacity.tier}, units: ${capacity.units}`,
    budget: `${percentText(budget.throttle)} of the throttle, ${percentText(budget.dailyMessages)} of the daily messages`,
    guards: Object.entries(guards).flatMap(([name, limit]) =>
      limit === undefined ? [] : [`${name}: ${limitText(limit)}`],
    ),
  };
}

export function limitText(limit: Limit): string {
  return 'count' in limit ? String(limit.count) : percentText(limit.share);
}

/** Shares in manifests are whole percents. */
function percentText(share: number): string {
  return `${Math.round(share * 100)} %`;
}

export function groupFields({ hubs, mode, selector, name }: DeclaredGroup, { configurations }: Declared): Fields {
  const users = configurations.filter(({ targets }) => targets.some(({ group }) => group === name));
  return {
    hubs,
    mode,
    selector: selectorTexts(selector),
    configurations: users.map((user) => user.name),
  };
}

export function configurationFields(configuration: DeclaredConfiguration): Fields {
  const { profile, priority, mode, suspend, unset, deletionPolicy, whenMissing, digest } = configuration;
  return {
    profile: profileText(profile),
    priority: String(priority),
    mode: suspend ? 'Suspended' : mode,
    selects: targetTexts(configuration),
    settings: settingTexts(configuration),
    unset,
    deletionPolicy,
    whenMissing,
    digest,
  };
}

/** An exception has no mode and no deletionPolicy, and creates no module. */
export function exceptionFields(exception: DeclaredException, declared: Declared): Fields {
  const { profile, expiresAtMs, ownerText, reason, maxDevices, digest } = exception;
  return {
    profile: profileText(profile),
    priority: 'above every configuration',
    state: exceptionState(exception, declared),
    until: momentText(expiresAtMs),
    owner: ownerText,
    reason,
    maxDevices: maxDevices?.toString(),
    selects: targetTexts(exception),
    settings: settingTexts(exception),
    digest,
  };
}

export function exceptionState(exception: DeclaredException, { expired }: Declared): 'Ended' | 'Suspends' | 'Active' {
  return expired.includes(exception) ? 'Ended' : exception.suspend ? 'Suspends' : 'Active';
}

function profileText({ name, moduleId }: Profile): string {
  return `${name}, module ${moduleId}`;
}

function targetTexts({ targets }: DeclaredConfiguration): string[] {
  return targets.flatMap(({ group, selector }) => (group === undefined ? selectorTexts(selector) : [`group ${group}`]));
}

function settingTexts({ atoms, atomOrigins }: DeclaredConfiguration): string[] {
  return atoms.map(({ name, plain, sensitive, policy }) => {
    const value = sensitive ? REDACTED : shortValue(plain);
    const place = placeText(atomOrigins.get(name));
    return [name, value, ...(policy === 'Override' ? [] : [policy]), ...(place === '' ? [] : [`  ${place}`])].join(' ');
  });
}

export function profileFields(profile: Profile, { configurations }: Declared): Fields {
  const {
    moduleId,
    section,
    encoding,
    patchGranularity,
    acknowledgement,
    onRemove,
    rules,
    sensitive,
    deny,
    endOfSupport,
  } = profile;
  return {
    module: moduleId === '' ? 'none: a base for profiles of your own' : moduleId,
    section: formatPointer(section) || '/',
    encoding,
    patchGranularity,
    acknowledgement: acknowledgement.type,
    onRemove,
    rules: rules.map(({ message }) => message),
    sensitive,
    deny,
    endOfSupport,
    configurations: configurations.filter((one) => one.profile.name === profile.name).map(({ name }) => name),
  };
}

export function placeText(origin: Origin | undefined): string {
  return origin === undefined ? '' : `${origin.file}:${origin.line}`;
}

function selectorTexts({ requirements, deviceIds }: Selector): string[] {
  if (requirements.length === 0 && deviceIds === undefined) return ['every device'];
  const ids = [...(deviceIds ?? [])];
  const more = ids.length > IDS_SHOWN_MAX ? ` and ${ids.length - IDS_SHOWN_MAX} more` : '';
  return [
    ...requirements.map(requirementText),
    ...(deviceIds === undefined ? [] : [`deviceIds ${ids.slice(0, IDS_SHOWN_MAX).join(', ')}${more}`]),
  ];
}

const IDS_SHOWN_MAX = 5;

function requirementText(requirement: Requirement): string {
  const key = keyText(requirement.key);
  if (!('values' in requirement)) return `${key} ${requirement.operator}`;
  return `${key} ${requirement.operator} ${requirement.values.map((value) => JSON.stringify(value)).join(', ')}`;
}

function keyText(key: FactKey): string {
  if (key.kind === 'tag') return `tags.${key.path.join('.')}`;
  return key.kind === 'iotEdge' ? 'capabilities.iotEdge' : key.kind;
}
