// The kinds of simulated agents: the module id of each, and its behaviour.
import type { Behaviour } from './behaviour.ts';
import { createGuard, GUARD_MODULE_ID } from './guard.ts';
import { LEGACY_MODULE_ID, reactAsLegacyC, reactAsLegacyCs } from './legacy.ts';
import { MICRO_MODULE_ID, reactAsMicro } from './micro.ts';
import { OSCONFIG_MODULE_ID, reactAsOsconfig } from './osconfig.ts';

export type AgentKind = 'legacy-cs' | 'legacy-c' | 'micro' | 'osconfig' | 'acme-guard';

/** An agent on a device. */
export interface AgentDescription {
  readonly kind: AgentKind;
  /** For example "2.0"; only acme-guard uses it. */
  readonly firmware: string;
}

interface KindEntry {
  readonly moduleId: string;
  readonly behaviour: (firmware: string) => Behaviour;
}

const KINDS: Readonly<Record<AgentKind, KindEntry>> = {
  'legacy-cs': { moduleId: LEGACY_MODULE_ID, behaviour: () => reactAsLegacyCs },
  'legacy-c': { moduleId: LEGACY_MODULE_ID, behaviour: () => reactAsLegacyC },
  micro: { moduleId: MICRO_MODULE_ID, behaviour: () => reactAsMicro },
  osconfig: { moduleId: OSCONFIG_MODULE_ID, behaviour: () => reactAsOsconfig },
  'acme-guard': { moduleId: GUARD_MODULE_ID, behaviour: createGuard },
};

export function moduleIdOf(kind: AgentKind): string {
  return KINDS[kind].moduleId;
}

export function behaviourOf({ kind, firmware }: AgentDescription): Behaviour {
  return KINDS[kind].behaviour(firmware);
}
