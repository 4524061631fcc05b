// An adopted fleet as manifests: observed groups, the common settings, each group's own, the outliers.
import { stringify } from 'yaml';
import { setPath, unescapeSegment, type JsonObject } from '../../model/json.ts';
import type { Mode } from '../../model/declared.ts';
import type { AdoptedGroup, AdoptedProfile, Adoption, Settings } from '../../plan/import/adoption.ts';

export interface ImportedHub {
  readonly name: string;
  readonly hostName: string;
  /** False if the manifests already have it. */
  readonly isNew: boolean;
  /** True if manifests must name their hub. */
  readonly isOneOfSeveral: boolean;
}

export interface ImportedFile {
  readonly path: string;
  readonly text: string;
}

const API = { apiVersion: 'twinward.dev/v1alpha1' };
const PRIORITY = { common: 10, group: 20, outlier: 30 } as const;

/** `mode` is that of every group: Observe, or Enforce to prove its effect. */
export function importedFiles(adoption: Adoption, hub: ImportedHub, mode: Mode): ImportedFile[] {
  const names = groupNames(adoption);
  const hubs = hub.isOneOfSeveral ? { hubs: [hub.name] } : {};
  const groups = adoption.groups.map((group) => ({
    ...API,
    kind: 'DeviceGroup',
    metadata: { name: names.get(group) },
    spec: { ...hubs, mode, selector: selectorOf(adoption, group) },
  }));
  const files = adoption.profiles.flatMap((adopted) => profileFiles(adopted, names, hubs));
  return [
    ...(hub.isNew ? [fileOf('hub.yaml', HUB_COMMENT, [hubDocument(hub, mode)])] : []),
    fileOf('groups.yaml', GROUPS_COMMENT, groups),
    ...files,
  ];
}

const HUB_COMMENT = 'Nothing is written to this hub while its mode is Observe. How to sign in: docs/hub-sign-in.md';
const GROUPS_COMMENT =
  'Groups by tags. Set a group to Enforce once its plan is right: from then on drift is corrected.';

function hubDocument({ name, hostName }: ImportedHub, mode: Mode): object {
  return { ...API, kind: 'Hub', metadata: { name }, spec: { hostName, mode } };
}

/** A device without the tag is selected by that; nothing to group by selects every device. */
function selectorOf({ tags }: Adoption, { values, leftOut }: AdoptedGroup): object {
  const present = tags.flatMap((tag, index) => (values[index] === undefined ? [] : [[tag, values[index]] as const]));
  const absent = tags.filter((_, index) => values[index] === undefined);
  const expressions = [
    ...absent.map((tag) => ({ key: `tags.${tag}`, operator: 'DoesNotExist' })),
    ...(leftOut.length === 0 ? [] : [{ key: 'deviceId', operator: 'NotIn', values: leftOut }]),
  ];
  if (present.length === 0 && expressions.length === 0) return { matchAll: true };
  return {
    ...(present.length === 0 ? {} : { matchTags: Object.fromEntries(present) }),
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  };
}

function profileFiles(
  { profile, common, groups, outliers }: AdoptedProfile,
  names: ReadonlyMap<AdoptedGroup, string>,
  hubs: object,
): ImportedFile[] {
  const shared = { profile: profile.name, module: { whenMissing: 'Skip' } };
  const configuration = (name: string, target: object, priority: number, layer: object): object => ({
    ...API,
    kind: 'SecurityConfiguration',
    metadata: { name },
    spec: { ...target, ...shared, priority, ...layer },
  });
  const sharing = groups.filter(({ sharesCommon }) => sharesCommon);
  const commonGroups = { groups: sharing.map(({ group }) => names.get(group) ?? '').toSorted() };
  const documents = [
    ...(common.size === 0
      ? []
      : [configuration(`${profile.name}-common`, commonGroups, PRIORITY.common, layerFields(common, []))]),
    ...groups
      .filter(({ settings, unset }) => settings.size + unset.length > 0)
      .map(({ group, settings, unset }) => {
        const name = names.get(group) ?? '';
        const layer = layerFields(settings, unset);
        return configuration(`${profile.name}-${name}`, { groups: [name] }, PRIORITY.group, layer);
      }),
  ];
  const different = outliers.map((outlier, index) => {
    const target = { ...hubs, selector: { deviceIds: outlier.deviceIds } };
    const name = `${profile.name}-outlier-${index + 1}`;
    return configuration(name, target, PRIORITY.outlier, layerFields(outlier.settings, outlier.unset));
  });
  return [
    ...(documents.length === 0
      ? []
      : [
          fileOf(`${profile.name}.yaml`, `Settings of ${profile.moduleId} twins at the time of the import.`, documents),
        ]),
    ...(different.length === 0
      ? []
      : [fileOf(`${profile.name}-outliers.yaml`, 'Devices that differ from their group. Review each one.', different)]),
  ];
}

function layerFields(settings: Settings, unset: readonly string[]): object {
  return {
    ...(settings.size === 0 ? {} : { settings: nested(settings) }),
    ...(unset.length === 0 ? {} : { unset: [...unset] }),
  };
}

/** Turns atom names into nested settings, as in a manifest. */
function nested(settings: Settings): JsonObject {
  const result: JsonObject = {};
  for (const [name, value] of settings) setPath(result, name.split('/').map(unescapeSegment), value);
  return result;
}

function fileOf(path: string, comment: string, documents: readonly object[]): ImportedFile {
  const text = documents.map((document) => stringify(document, { lineWidth: 120 })).join('---\n');
  return { path, text: `# ${comment}\n${text}` };
}

const NAME_LENGTH_MAX = 60;

/** `hw-atm-site-lyon`, `hw-none`, `all`; each unique. */
export function groupNames({ tags, groups }: Adoption): ReadonlyMap<AdoptedGroup, string> {
  const taken = new Set<string>();
  return new Map(
    groups.map((group) => {
      const words = tags.flatMap((tag, index) => [tag, String(group.values[index] ?? 'none')]);
      const base = slug(words.join('-')) || 'all';
      let name = base;
      for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}`;
      taken.add(name);
      return [group, name] as const;
    }),
  );
}

function slug(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, NAME_LENGTH_MAX)
    .replaceAll(/^-+|-+$/g, '');
}
