// Events as a controller records them, for tests of what keeps or shows them.
import type { ControllerEvent, EventReason, TwinWritten } from '../../src/model/event.ts';
import type { Json } from '../../src/model/json.ts';

const TWIN = { hub: 'dev', deviceId: 'kiosk-01', moduleId: 'acmeGuard' } as const;
const HUB = { hub: 'dev' } as const;

/** A write that takes `usbPolicy` from `before` to `after`. */
export function written(deviceId: string, before: Json | undefined, after: Json | undefined): TwinWritten {
  const owner = 'SecurityConfiguration/kiosks';
  return {
    ...TWIN,
    deviceId,
    reason: 'Drift',
    changes: [
      { name: 'usbPolicy', path: ['guard', 'usbPolicy'], owner, before, after, cause: 'Drift', sensitive: false },
    ],
    owners: [{ owner, origin: { file: 'kiosks.yaml', line: 3, column: 1 } }],
    revision: 'sha256:9b1c2d3e4f50',
    etagBefore: 'AAAAAAAAAAI=',
    etagAfter: 'AAAAAAAAAAM=',
    detail: undefined,
  };
}

const CHANGED = written('kiosk-01', 'audit', 'block');
const UNCHANGED = { ...CHANGED, changes: [] };
const REMOVED = written('kiosk-01', 'audit', undefined);

type Sample<R extends EventReason> = readonly [event: ControllerEvent & { readonly reason: R }, message: string];

/** An event of each reason, and how it reads. */
export const SAMPLES: { readonly [R in EventReason]: Sample<R> } = {
  FirstConfiguration: [
    { ...written('kiosk-01', undefined, 'block'), reason: 'FirstConfiguration' },
    '+ usbPolicy "block"',
  ],
  ConfigurationChanged: [{ ...CHANGED, reason: 'ConfigurationChanged' }, '~ usbPolicy "audit" → "block"'],
  Drift: [{ ...CHANGED, reason: 'Drift' }, '~ usbPolicy "audit" → "block"'],
  SettingRemoved: [{ ...REMOVED, reason: 'SettingRemoved' }, '- usbPolicy "audit"'],
  OwnerRemoved: [{ ...REMOVED, reason: 'OwnerRemoved' }, '- usbPolicy "audit"'],
  LeftGroup: [{ ...REMOVED, reason: 'LeftGroup', detail: 'not shown beside changes' }, '- usbPolicy "audit"'],
  ExceptionEnded: [{ ...CHANGED, reason: 'ExceptionEnded' }, '~ usbPolicy "audit" → "block"'],
  Nudge: [{ ...UNCHANGED, reason: 'Nudge', detail: 'The same again, for an agent.' }, 'The same again, for an agent.'],
  Adopted: [{ ...UNCHANGED, reason: 'Adopted', detail: 'kiosks owns "usbPolicy".' }, 'kiosks owns "usbPolicy".'],
  OwnerChanged: [{ ...UNCHANGED, reason: 'OwnerChanged', detail: 'Another owns it.' }, 'Another owns it.'],
  Released: [{ ...UNCHANGED, reason: 'Released', detail: 'Nothing owns it.' }, 'Nothing owns it.'],
  ModuleCreated: [{ ...TWIN, reason: 'ModuleCreated' }, 'It was missing, and a configuration asks for it.'],
  Recovered: [{ ...TWIN, reason: 'Recovered', from: 'Rejected' }, 'Rejected is over.'],
  ChangeApproved: [
    { ...HUB, reason: 'ChangeApproved', approval: { fingerprint: '9b1c2d3e4f50', count: 12 } },
    'Approved as 9b1c2d3e4f50@12.',
  ],
  WaitingForLease: [
    { ...HUB, reason: 'WaitingForLease', holder: 'ada@desk/1', kind: 'apply' },
    'Waiting for ada@desk/1 (apply) to release the lease.',
  ],
  LeaseAcquired: [{ ...HUB, reason: 'LeaseAcquired' }, 'This controller writes from now on.'],
  SuspensionsChanged: [
    {
      ...HUB,
      reason: 'SuspensionsChanged',
      suspensions: [
        { scope: 'All', who: 'ada@desk', reason: 'incident', untilMs: undefined },
        { scope: 'Device', name: 'kiosk-01', who: 'ben@desk', reason: 'repair', untilMs: 1 },
      ],
    },
    'Suspended: everything by ada@desk, device kiosk-01 by ben@desk.',
  ],
  Loaded: [{ reason: 'Loaded', revision: 'r2' }, 'Revision r2 is loaded.'],
  Rejected: [{ ...TWIN, reason: 'Rejected', detail: 'usbPolicy: no such mode' }, 'usbPolicy: no such mode'],
  Unsupported: [{ ...TWIN, reason: 'Unsupported', detail: undefined }, 'The agent gives no reason.'],
  NotAcknowledged: [
    { ...TWIN, reason: 'NotAcknowledged', detail: undefined },
    'The agent is connected and does not answer.',
  ],
  Contested: [{ ...TWIN, reason: 'Contested', detail: 'Another writer.' }, 'Another writer.'],
  Unassigned: [{ ...TWIN, reason: 'Unassigned', detail: 'No configuration.' }, 'No configuration.'],
  WriteFailed: [
    { ...TWIN, reason: 'WriteFailed', failure: 'TooLarge' },
    'The last write failed (TooLarge); the log has more.',
  ],
  Conflicted: [{ ...TWIN, reason: 'Conflicted', detail: 'Two ask.' }, 'Two ask.'],
  ProfilesOverlap: [{ ...TWIN, reason: 'ProfilesOverlap', detail: 'Two profiles.' }, 'Two profiles.'],
  RulesViolated: [{ ...TWIN, reason: 'RulesViolated', detail: 'low is above high' }, 'low is above high'],
  ExceptionTooWide: [{ ...TWIN, reason: 'ExceptionTooWide', detail: 'Two devices.' }, 'Two devices.'],
  RecordNewer: [{ ...TWIN, reason: 'RecordNewer', detail: 'Version 2.' }, 'Version 2.'],
  ProfileUnknown: [{ ...TWIN, reason: 'ProfileUnknown', detail: 'No profile.' }, 'No profile.'],
  TwinTooLarge: [{ ...TWIN, reason: 'TwinTooLarge', detail: '33 KB.' }, '33 KB.'],
  ManagedByEdge: [{ ...TWIN, reason: 'ManagedByEdge', detail: 'IoT Edge.' }, 'IoT Edge.'],
  AutomaticConfiguration: [{ ...TWIN, reason: 'AutomaticConfiguration', detail: 'auto.' }, 'auto.'],
  GuardRefused: [
    {
      ...HUB,
      reason: 'GuardRefused',
      refused: [{ guard: 'TooManyChanged', count: 12, limit: 5 }],
      approval: '9b1c2d3e4f50@12',
      detail: '12 twins would change.',
    },
    '12 twins would change.',
  ],
  LeaseLost: [
    { ...HUB, reason: 'LeaseLost', why: 'ben@desk/2 has it now' },
    'Nothing is written until it is held again: ben@desk/2 has it now.',
  ],
  ConnectFailed: [{ ...HUB, reason: 'ConnectFailed', detail: 'No such host.' }, 'No such host.'],
  ListFailed: [{ ...HUB, reason: 'ListFailed', detail: 'The hub is away.' }, 'The hub is away.'],
  ListEmpty: [{ ...HUB, reason: 'ListEmpty', detail: 'Nothing is listed.' }, 'Nothing is listed.'],
  OtherWriter: [{ ...HUB, reason: 'OtherWriter', detail: 'auto writes there.' }, 'auto writes there.'],
  ReadFailed: [{ reason: 'ReadFailed', detail: 'No folder.', kept: 'r1' }, 'No folder. Revision r1 still decides.'],
  InvalidManifests: [
    {
      reason: 'InvalidManifests',
      diagnostic: {
        code: 'TW1101',
        severity: 'error',
        file: 'a.yaml',
        line: 2,
        column: 1,
        path: 'kind',
        message: 'No such kind.',
      },
      errors: 3,
      kept: undefined,
    },
    'TW1101 a.yaml:2: No such kind. (and 2 more)',
  ],
  SourceEmpty: [
    { reason: 'SourceEmpty', kept: undefined },
    'There is no manifest at all; that removes nothing. To mean it, keep at least the Hub.',
  ],
};
