// A thousand files of manifests, as many teams in one repository would have them: groups and configurations, with comments.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createSeededRandom, type SeededRandom } from '../src/model/seeded-random.ts';
import { SEED } from './fleet.ts';
import { configuration, group, HEAD } from './sources.ts';

const FILES = 1_000;
const GROUPS = 2;
const CONFIGURATIONS = 8;
const SETTINGS_MIN = 8;
const SETTINGS_MAX = 20;
const COMMENT_SHARE = 0.2;

type Choices = Readonly<Record<string, readonly (string | number | boolean)[]>>;

const PRIORITY = ['Off', 'Low', 'High'];
const FREQUENCY = ['Low', 'Medium', 'High'];
const BOOLEAN = [true, false];
const DURATION = ['PT5M', 'PT15M', 'PT1H', 'PT6H', 'PT12H', 'P1D'];

/** Settings of each profile with values that its schema takes. */
const SETTINGS: readonly (readonly [profile: string, choices: Choices])[] = [
  [
    'defender-legacy',
    {
      highPriorityMessageFrequency: ['PT5M', 'PT7M', 'PT15M'],
      lowPriorityMessageFrequency: ['PT5H', 'PT12H'],
      snapshotFrequency: DURATION,
      maxLocalCacheSizeInBytes: [2_560_000, 5_120_000],
      maxMessageSizeInBytes: [204_800, 131_072],
      eventPriorityProcessCreate: PRIORITY,
      eventPriorityProcessTerminate: PRIORITY,
      eventPriorityConnectionCreate: PRIORITY,
      eventPriorityLogin: PRIORITY,
      eventPriorityListeningPorts: PRIORITY,
      eventPriorityLocalUsers: PRIORITY,
      eventPrioritySystemInformation: PRIORITY,
      eventPriorityFirewallConfiguration: PRIORITY,
      eventPriorityOSBaseline: PRIORITY,
      eventPriorityConnectedHardware: PRIORITY,
      eventPriorityDiagnostic: PRIORITY,
      aggregationEnabledProcessCreate: BOOLEAN,
      aggregationIntervalProcessCreate: DURATION,
      aggregationEnabledConnectionCreate: BOOLEAN,
      aggregationIntervalConnectionCreate: DURATION,
    },
  ],
  [
    'defender-micro-agent',
    {
      CollectorsCore_PriorityIntervals: ['30,120,1440', '2,120,1440', '15,60,720'],
      Baseline_Disabled: BOOLEAN,
      Baseline_MessageFrequency: FREQUENCY,
      Baseline_ChecksDisabled: ['3.3.5', '3.3.5,2.2.1.1'],
      SystemInformation_MessageFrequency: FREQUENCY,
      SBoM_Disabled: BOOLEAN,
      SBoM_MessageFrequency: FREQUENCY,
      Heartbeat_MessageFrequency: FREQUENCY,
      Login_MessageFrequency: FREQUENCY,
      Login_UsePAM: BOOLEAN,
      NetworkActivity_MessageFrequency: FREQUENCY,
      NetworkActivity_Devices: ['eth0', 'eth0,eth1'],
      NetworkActivity_CacheSize: [256, 512],
      Process_MessageFrequency: FREQUENCY,
      Process_Mode: [1, 2, 3],
      LogCollector_Disabled: BOOLEAN,
      FileSystem_Paths: ['/etc', '/etc,/opt'],
      FileSystem_Recursive: BOOLEAN,
      Peripheral_MessageFrequency: FREQUENCY,
      IothubModule_MessageTimeout: [1_440, 2_880],
    },
  ],
  [
    'osconfig-security-baseline',
    Object.fromEntries(
      ['SshPort', 'SshMaxAuthTries', 'SshBanner', 'FirewallOn', 'AuditdRunning', 'CronPermissions', 'NoTelnet', 'NoRsh']
        .flatMap((name) => [`remediateEnsure${name}`, `initEnsure${name}`])
        .map((name) => [name, ['22', '3', 'enabled', 'strict']]),
    ),
  ],
];

/** Fills the folder: 1,000 files of ten documents each. The first has the hub and a profile as well. */
export function writeFiles(folder: string): { files: number; documents: number; bytes: number } {
  let bytes = 0;
  const random = createSeededRandom(SEED);
  for (let index = 0; index < FILES; index += 1) {
    const site = `site${String(index).padStart(4, '0')}`;
    const documents = documentsOf(site, random);
    const text = index === 0 ? [HEAD, ...documents.slice(0, -2)] : documents;
    const header = `# ${site}: what its devices must have. Owner: fleet security.\n`;
    const file = withComments(header + text.join('---\n'), random);
    bytes += file.length;
    writeFileSync(join(folder, `${site}.yaml`), file);
  }
  return { files: FILES, documents: FILES * (GROUPS + CONFIGURATIONS), bytes };
}

function documentsOf(site: string, random: SeededRandom): string[] {
  const groups = ['atm', 'gate'].slice(0, GROUPS).map((hw) => `${site}-${hw}`);
  const configurations = Array.from({ length: CONFIGURATIONS }, (_, index) => {
    const [profile, choices] = SETTINGS[index % SETTINGS.length] ?? ['', {}];
    const name = `${site}-${profile}-${index}`;
    const isForSite = index < SETTINGS.length;
    const devices = isForSite ? `selector: {matchTags: {site: ${site}}}` : `groups: [${groups[index % GROUPS]}]`;
    return configuration(name, profile, devices, 10 + index, settingsOf(choices, random));
  });
  return [
    ...groups.map((name) => group(name, `matchTags: {site: ${site}, hw: ${name.split('-')[1]}}`)),
    ...configurations,
  ];
}

function settingsOf(choices: Choices, random: SeededRandom): Record<string, string | number | boolean> {
  const names = Object.keys(choices);
  const wanted = SETTINGS_MIN + Math.floor(random.next() * (Math.min(SETTINGS_MAX, names.length) - SETTINGS_MIN + 1));
  const chosen = names.map((name) => ({ name, rank: random.next() })).toSorted((a, b) => a.rank - b.rank);
  const kept = new Set(chosen.slice(0, wanted).map(({ name }) => name));
  return Object.fromEntries(
    names
      .filter((name) => kept.has(name))
      .map((name) => {
        const values = choices[name] ?? [];
        return [name, values[Math.floor(random.next() * values.length)] ?? true];
      }),
  );
}

function withComments(text: string, random: SeededRandom): string {
  return text
    .split('\n')
    .map((line) =>
      line.startsWith('    ') && random.next() < COMMENT_SHARE ? `${line}    # agreed with operations` : line,
    )
    .join('\n');
}
