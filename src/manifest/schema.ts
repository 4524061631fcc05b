// The shape of every kind, as TypeBox schemas: one source of types, validation and editor help.
import { Type, type Static, type TSchema } from 'typebox';
import { TIERS } from '../model/hub-tier.ts';
import { AgentProfileSpec } from '../profile/spec.ts';

export const API_VERSION = 'twinward.dev/v1alpha1';

const strict = { additionalProperties: false } as const;

/** Lower-case words joined by "-" or ".", like Kubernetes object names. */
export const NAME_PATTERN = '^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$';

const Name = Type.String({ pattern: NAME_PATTERN, description: 'Lower-case letters, digits, "-" and "."' });
const Names = (description: string) => Type.Array(Name, { minItems: 1, uniqueItems: true, description });
const Texts = Type.Record(Type.String(), Type.String());
const Mode = Type.Enum(['Enforce', 'Observe'], {
  description: 'Enforce writes; Observe only reports. If several apply, Observe wins.',
});

const Metadata = Type.Object(
  {
    name: Name,
    labels: Type.Optional({ ...Texts, description: 'Labels that groupSelector matches.' }),
    annotations: Type.Optional({ ...Texts, description: 'Free texts.' }),
  },
  strict,
);

const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const MatchExpression = Type.Object(
  {
    key: Type.String({
      pattern: '^(tags(\\.[^.$# ]+)+|deviceId|status|capabilities\\.iotEdge)$',
      description: 'tags.a.b, deviceId, status or capabilities.iotEdge',
    }),
    operator: Type.Enum(['In', 'NotIn', 'Exists', 'DoesNotExist'], {
      description: 'As in Kubernetes: NotIn and DoesNotExist also hold where the key is absent.',
    }),
    values: Type.Optional(Type.Array(Scalar, { minItems: 1, description: 'Compared by JSON type: "0" is not 0.' })),
  },
  strict,
);

const Selector = Type.Object(
  {
    matchTags: Type.Optional(
      Type.Record(Type.String(), Scalar, {
        description: 'Tags of the device twin and the values they must have; "a.b" is a tag inside a tag.',
      }),
    ),
    matchExpressions: Type.Optional(Type.Array(MatchExpression, { description: 'Further conditions; all must hold.' })),
    deviceIds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, description: 'Only these devices.' }),
    ),
    matchAll: Type.Optional(Type.Literal(true, { description: 'Every device. Stands alone.' })),
  },
  { ...strict, description: 'Which devices, by facts of the device twin. All conditions must hold.' },
);

const SecretRef = Type.Object(
  {
    env: Type.Optional(Type.String({ minLength: 1, description: 'Name of an environment variable.' })),
    file: Type.Optional(Type.String({ minLength: 1, description: 'Path of a file, relative to this manifest.' })),
  },
  { ...strict, description: 'The place of the secret, never the secret itself.' },
);

const Percent = Type.String({ pattern: '^(100|[1-9][0-9]?)%$', description: 'A share such as 40%, from 1% to 100%.' });

const Limit = (what: string) =>
  Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^(100|[1-9]?[0-9])%$' })], {
    description: `${what}: a count, or a share of the hub's devices such as 25%, rounded up.`,
  });

const HubSpec = Type.Object(
  {
    hostName: Type.String({
      pattern: '^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$',
      description: 'Host name of the IoT Hub, as in its connection string.',
    }),
    endpoint: Type.Optional(Type.String({ description: 'Another address for the same hub: https://host:port.' })),
    caFile: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'PEM file of the certificate authority to trust, relative to this manifest.',
      }),
    ),
    auth: Type.Optional(
      Type.Object(
        {
          type: Type.Enum(['Entra', 'ConnectionString'], {
            description: 'Entra uses the ambient identity (workload identity, managed identity, az login).',
          }),
          secretRef: Type.Optional(SecretRef),
        },
        strict,
      ),
    ),
    capacity: Type.Optional(
      Type.Object(
        { tier: Type.Enum([...TIERS]), units: Type.Integer({ minimum: 1, maximum: 200 }) },
        { ...strict, description: 'Tier and units of the hub, which determine its throttles.' },
      ),
    ),
    events: Type.Optional(
      Type.Object(
        { secretRef: SecretRef },
        {
          ...strict,
          description: 'The place of the connection string of the Event Hubs-compatible endpoint, for change events.',
        },
      ),
    ),
    mode: Type.Optional(Mode),
    budget: Type.Optional(
      Type.Object(
        { throttle: Type.Optional(Percent), dailyMessages: Type.Optional(Percent) },
        { ...strict, description: "Our share of what the hub's capacity allows." },
      ),
    ),
    guards: Type.Optional(
      Type.Object(
        {
          maxChanged: Type.Optional(Limit('Twins that a change may reach at once')),
          maxRemoved: Type.Optional(Limit('Twins that may lose settings at once')),
          maxUnassigned: Type.Optional(Limit('Twins that a configuration may stop selecting at once')),
          maxCreated: Type.Optional(Limit('Modules that may be created at once')),
        },
        { ...strict, description: 'A change beyond a limit waits for a person. Drift is always corrected.' },
      ),
    ),
  },
  strict,
);

const DeviceGroupSpec = Type.Object(
  {
    selector: Selector,
    hubs: Type.Optional(Names('Hubs the group is on; needed once two exist.')),
    mode: Type.Optional(Mode),
  },
  strict,
);

const SecurityConfigurationSpec = Type.Object(
  {
    groups: Type.Optional(Names('DeviceGroups that it applies to.')),
    groupSelector: Type.Optional(
      Type.Object(
        { matchLabels: { ...Texts, minProperties: 1 } },
        { ...strict, description: 'DeviceGroups by their labels.' },
      ),
    ),
    selector: Type.Optional(Selector),
    hubs: Type.Optional(Names('Hubs that it applies to; needed once two exist, unless the groups name them.')),
    profile: Type.String({ minLength: 1, description: 'The AgentProfile that the settings are for.' }),
    priority: Type.Optional(
      Type.Integer({
        minimum: -1_000_000,
        maximum: 1_000_000,
        default: 0,
        description: 'If several set the same key, the highest wins.',
      }),
    ),
    settings: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: "The agent's settings, written plainly." }),
    ),
    unset: Type.Optional(
      Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        uniqueItems: true,
        description: 'Settings that must be absent; beats lower layers.',
      }),
    ),
    settingPolicies: Type.Optional(
      Type.Record(Type.String(), Type.Enum(['Override', 'IfNotPresent', 'Ignore']), {
        description: 'When to write single settings.',
      }),
    ),
    mode: Type.Optional(Mode),
    suspend: Type.Optional(
      Type.Boolean({ default: false, description: 'Leaves everything this configuration owns exactly as it is.' }),
    ),
    deletionPolicy: Type.Optional(
      Type.Enum(['Retain', 'Remove'], {
        default: 'Retain',
        description: 'What happens to the settings once this manifest is gone.',
      }),
    ),
    module: Type.Optional(
      Type.Object(
        {
          whenMissing: Type.Optional(
            Type.Enum(['Wait', 'Skip', 'Create'], {
              default: 'Wait',
              description: 'What to do where the device has no such module.',
            }),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
);

const SecurityExceptionSpec = Type.Object(
  {
    selector: Selector,
    hubs: Type.Optional(Names('Hubs that it applies to; needed once two exist.')),
    profile: Type.String({ minLength: 1, description: 'The AgentProfile that the settings are for.' }),
    settings: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Settings that win over every configuration until the exception ends.',
      }),
    ),
    suspend: Type.Optional(
      Type.Literal(true, { description: 'Instead of settings: leaves everything on the module as it is.' }),
    ),
    maxDevices: Type.Optional(
      Type.Integer({ minimum: 1, description: 'If it selects more devices on a hub, nothing is written to them.' }),
    ),
    rollout: Type.Optional(
      Type.Enum(['Immediate'], { description: 'An exception reaches all of its devices at once.' }),
    ),
    owner: Type.String({ minLength: 1, description: 'The people responsible for it.' }),
    reason: Type.String({ minLength: 1, description: 'Why it is needed, such as the number of an incident.' }),
    expiresAt: Type.String({
      format: 'date-time',
      description: 'When it ends, with an offset: "2026-11-24T06:00:00Z".',
    }),
  },
  strict,
);

function resource<K extends string, S extends TSchema>(kind: K, spec: S, description: string) {
  return Type.Object(
    { apiVersion: Type.Literal(API_VERSION), kind: Type.Literal(kind), metadata: Metadata, spec },
    { ...strict, title: kind, description },
  );
}

export const SCHEMAS = {
  Hub: resource('Hub', HubSpec, 'One Azure IoT Hub and how to reach it.'),
  DeviceGroup: resource('DeviceGroup', DeviceGroupSpec, 'A named set of devices.'),
  SecurityConfiguration: resource(
    'SecurityConfiguration',
    SecurityConfigurationSpec,
    'Settings of the security agent for some devices.',
  ),
  SecurityException: resource(
    'SecurityException',
    SecurityExceptionSpec,
    'Settings for some devices that win over every configuration, for a while.',
  ),
  AgentProfile: resource('AgentProfile', AgentProfileSpec, 'Description of one kind of security agent.'),
};

export type Kind = keyof typeof SCHEMAS;
export const KINDS = Object.keys(SCHEMAS) as readonly Kind[];

export type HubManifest = Static<typeof SCHEMAS.Hub>;
export type DeviceGroupManifest = Static<typeof SCHEMAS.DeviceGroup>;
export type SecurityConfigurationManifest = Static<typeof SCHEMAS.SecurityConfiguration>;
export type SecurityExceptionManifest = Static<typeof SCHEMAS.SecurityException>;
export type AgentProfileManifest = Static<typeof SCHEMAS.AgentProfile>;
export type SelectorManifest = Static<typeof Selector>;

/** Fields that are designed but not supported yet: an error by name, never ignored. */
export const NOT_YET: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  Hub: ['rollout'],
  SecurityConfiguration: ['rollout'],
};

const DRAFT = 'http://json-schema.org/draft-07/schema#';

/** JSON Schema (draft-07, which editors understand) of one kind, or of any document. */
export function manifestSchema(kind: Kind | 'all'): object {
  if (kind !== 'all') return { $schema: DRAFT, ...SCHEMAS[kind] };
  return { $schema: DRAFT, title: 'Twinward manifest', oneOf: Object.values(SCHEMAS) };
}
