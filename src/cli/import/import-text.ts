// The result of an import, as text and JSON: groups, common settings, outliers, settings left alone.
import { countOutliers, type betterTag } from '../../plan/import/grouping-tags.ts';
import { type AdoptedProfile, type Adoption, type Settings } from '../../plan/import/adoption.ts';
import { shortValue } from '../../plan/report/change-text.ts';
import type { ManagingInstance } from '../../plan/record/managing-instances.ts';
import type { Undeclarable } from '../../profile/decode.ts';
import { groupNames, type ImportedFile, type ImportedHub } from './import-manifests.ts';
import type { Style } from '../render/style.ts';
import { countOf, formatCount, formatTable } from '../render/table.ts';

export interface ImportGiven {
  readonly hub: ImportedHub;
  readonly fleet: { readonly devices: number; readonly twins: number };
  /** Installations with records on these twins. */
  readonly managed: readonly ManagingInstance[];
  /** Ours. */
  readonly instance: string;
  readonly files: readonly ImportedFile[];
  readonly out: string;
  /** The paths of -f. */
  readonly file: readonly string[];
  readonly hint: ReturnType<typeof betterTag>;
}

const OUTLIERS_SHOWN_MAX = 10;
const NAMES_SHOWN_MAX = 3;

export function importText(adoption: Adoption, given: ImportGiven, style: Style): string {
  const { hub, fleet, files, out, file, hint } = given;
  const { profiles } = adoption;
  const leftOut = adoption.groups.flatMap((group) => group.leftOut).toSorted();
  const plan = ['npx twinward plan', ...file.map((path) => `-f ${path}`), `-f ${out}`].join(' ');
  return [
    `${style.bold(hub.name)}   ${countOf(fleet.devices, 'device')}, ${countOf(fleet.twins, 'security twin')}\n`,
    ...given.managed.map((managing) => managedText(managing, given, style)),
    ...profiles.map((adopted) => profileText(adopted, adoption, style)),
    ...(leftOut.length === 0
      ? []
      : [`LEFT OUT  ${namesText(leftOut)}  their settings can not be declared as they are\n`]),
    ...(hint === undefined
      ? []
      : [`HINT  with --group-by ${hint.tag} too, ${countOf(hint.outliers, 'twin')} would differ from their group\n`]),
    `\nWrote ${countOf(files.length, 'file')} to ${out}: ${files.map(({ path }) => path).join(', ')}\n`,
    `Groups only observe. Enforced, they would change no desired property on any of these twins.\n`,
    `Next: ${plan}, then set ${hub.isNew ? 'the Hub and ' : ''}one DeviceGroup after the other to Enforce.\n`,
  ].join('');
}

/** Import is for unmanaged fleets; this one is managed already. */
function managedText({ instance, twins, owners }: ManagingInstance, given: ImportGiven, style: Style): string {
  const by = owners.length === 0 ? '' : `: ${namesText(owners)}`;
  const what =
    instance === given.instance
      ? 'Continue with the manifests that have these configurations. If they are lost, the new ones can take the settings over.'
      : `Another installation manages them. Two installations that write the same settings overwrite each other: remove one with npx twinward uninstall --hub ${given.hub.name} --instance ${instance}.`;
  const head = `MANAGED already  ${countOf(twins, 'twin')} by instance "${instance}"${by}`;
  return `${style.bold(head)}\n  ${what}\n`;
}

function profileText(adopted: AdoptedProfile, adoption: Adoption, style: Style): string {
  const { profile, twins, configured, variants, common, groups, outliers, left } = adopted;
  const names = groupNames(adoption);
  const rows = groups.map(({ group, twins: members, alike, settings, unset, sharesCommon }) => [
    names.get(group) ?? '',
    countOf(members, 'twin'),
    alike === members ? 'all alike' : `${formatCount(alike)} alike`,
    sharesCommon ? (settingsText(settings, unset) ?? 'just the common settings') : 'no settings',
  ]);
  const differing = outliers.reduce((sum, { deviceIds }) => sum + deviceIds.length, 0);
  const head = `${countOf(twins, 'twin')}, ${formatCount(configured)} with settings in ${countOf(variants, 'variant')}`;
  const shown = outliers
    .slice(0, OUTLIERS_SHOWN_MAX)
    .map(({ deviceIds, settings, unset }) => `    ${namesText(deviceIds)}  ${settingsText(settings, unset) ?? ''}\n`);
  const more = outliers.length - shown.length;
  return [
    `${style.bold(profile.name)}   ${head}\n`,
    ...(common.size === 0 ? [] : [`  common  ${settingsText(common, []) ?? ''}\n`]),
    formatTable(rows, '  '),
    ...(outliers.length === 0
      ? []
      : [`  ${countOf(differing, 'twin')} unlike their group, in ${countOf(outliers.length, 'way')}\n`]),
    ...shown,
    ...(more > 0 ? [`    and ${countOf(more, 'more way', 'more ways')}\n`] : []),
    ...left.map(({ name, why, twins: count }) => `  left alone  ${name}  ${countOf(count, 'twin')}: ${WHY[why]}\n`),
  ].join('');
}

const WHY: Readonly<Record<Undeclarable, string>> = {
  Denied: 'the profile never declares it',
  Secret: 'it is or looks like a secret',
  Unfit: 'the profile does not know it, or not this value',
};

function settingsText(settings: Settings, unset: readonly string[]): string | undefined {
  const texts = [
    ...[...settings].map(([name, value]) => `${name} ${shortValue(value)}`),
    ...unset.map((name) => `no ${name}`),
  ];
  return texts.length === 0 ? undefined : texts.join(', ');
}

function namesText(names: readonly string[]): string {
  const more = names.length - NAMES_SHOWN_MAX;
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(', ');
  return more > 0 ? `${shown} and ${formatCount(more)} more` : shown;
}

export function importFields(adoption: Adoption, { hub, fleet, managed, files, out, hint }: ImportGiven): object {
  const names = groupNames(adoption);
  return {
    hub: hub.name,
    ...fleet,
    managed,
    out,
    files: files.map(({ path }) => path),
    leftOut: adoption.groups.flatMap(({ leftOut }) => leftOut).toSorted(),
    outliers: countOutliers(adoption),
    ...(hint === undefined ? {} : { hint }),
    profiles: adoption.profiles.map(({ profile, twins, configured, variants, common, groups, outliers, left }) => ({
      name: profile.name,
      twins,
      configured,
      variants,
      common: Object.fromEntries(common),
      groups: groups.map(({ group, settings, twins: members, alike, unset }) => ({
        name: names.get(group),
        twins: members,
        alike,
        settings: Object.fromEntries(settings),
        unset,
      })),
      outliers: outliers.map(({ deviceIds, settings, unset }) => ({
        deviceIds,
        settings: Object.fromEntries(settings),
        unset,
      })),
      left,
    })),
  };
}
