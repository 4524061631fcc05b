// Leftovers of manual edits, scripts and other teams in the module twins of an unmanaged fleet.
import type { JsonObject } from '../../model/json.ts';
import type { SeededRandom } from '../../model/seeded-random.ts';
import type { AgentKind } from '../agents/kinds.ts';

/** Sections of a module twin, as a patch. */
export interface ModuleTwinSeed {
  readonly tags?: JsonObject;
  readonly desired: JsonObject;
}

type Leftover = (deviceId: string) => ModuleTwinSeed;

const LEGACY_SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const HUB_RESOURCE_ID =
  '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fleet/providers/Microsoft.Devices/IotHubs/acme';

const LEGACY: readonly Leftover[] = [
  // As a baseline would declare it.
  () => legacy({ eventPriorityLogin: 'High', highPriorityMessageFrequency: 'PT15M' }),
  // The same in another spelling.
  () => legacy({ eventPriorityLogin: 'high', highPriorityMessageFrequency: 'PT900S' }),
  // A key that no schema knows and that must survive.
  () => legacy({ eventPriorityLogin: 'Low', hubResourceId: HUB_RESOURCE_ID }),
  // The onboarding script's tag and defaults.
  () => ({
    tags: { securityGroup: 'default' },
    ...legacy({ snapshotFrequency: 'PT13H', maxMessageSizeInBytes: 204_800 }),
  }),
  // Another team's keys on the same twin.
  (deviceId) => ({ desired: { appTeam: { channel: 'stable', title: deviceId } } }),
];

const MICRO: readonly Leftover[] = [
  () => ({ desired: { Process_MessageFrequency: 'Medium', NetworkActivity_MessageFrequency: 'Medium' } }),
  () => ({ desired: { Process_MessageFrequency: 'High', CollectorsCore_PriorityIntervals: '2,120,1440' } }),
  () => ({ desired: { NetworkActivity_Devices: 'eth0, eth1', FileSystem_Paths: '/opt/atm' } }),
  (deviceId) => ({ desired: { appTeam: { channel: 'stable', title: deviceId } } }),
];

const GUARD: readonly Leftover[] = [
  () => ({ desired: { guard: { scanInterval: 'PT360M' } } }),
  // Belongs to another system; nothing else may read or change it.
  (deviceId) => ({ desired: { guard: { uploadToken: `demo-token-of-${deviceId}` } } }),
];

const LEFTOVERS: Readonly<Record<AgentKind, readonly Leftover[]>> = {
  'legacy-cs': LEGACY,
  'legacy-c': LEGACY,
  micro: MICRO,
  osconfig: [() => ({ desired: { SecurityBaseline: { __t: 'c', remediateEnsureSshPort: '22' } } })],
  'acme-guard': GUARD,
};

export function brownfieldTwin(kind: AgentKind, deviceId: string, random: SeededRandom): ModuleTwinSeed | undefined {
  const leftovers = LEFTOVERS[kind];
  return leftovers[Math.floor(random.next() * leftovers.length)]?.(deviceId);
}

function legacy(settings: JsonObject): ModuleTwinSeed {
  const wrapped = Object.entries(settings).map(([name, value]) => [name, { value }] as const);
  return { desired: { [LEGACY_SECTION]: Object.fromEntries(wrapped) } };
}
