// The spec of an AgentProfile manifest as one TypeBox schema: source of its type, its validation and its editor help.
import { Type, type Static } from 'typebox';
import type { JsonObject } from '../model/json.ts';

const strict = { additionalProperties: false } as const;

const Patterns = (description: string) => Type.Array(Type.String({ minLength: 1 }), { description });

const Severity = Type.Enum(['error', 'warning'], { description: 'An error holds the device; a warning is shown.' });

const Message = Type.String({ minLength: 1, description: 'The sentence shown to users.' });

const RuleSpec = Type.Union([
  Type.Object(
    {
      type: Type.Literal('MultipleOf'),
      key: Type.String(),
      divisor: Type.Number({ exclusiveMinimum: 0 }),
      severity: Severity,
      message: Message,
    },
    strict,
  ),
  Type.Object(
    {
      type: Type.Literal('NotGreater'),
      lesser: Type.String(),
      greater: Type.String(),
      as: Type.Enum(['number', 'duration']),
      severity: Severity,
      message: Message,
    },
    strict,
  ),
  Type.Object(
    {
      type: Type.Literal('RequiredWhen'),
      key: Type.String(),
      equals: Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
      required: Type.Array(Type.String(), { minItems: 1 }),
      severity: Severity,
      message: Message,
    },
    strict,
  ),
  Type.Object(
    {
      type: Type.Literal('AscendingCsv'),
      key: Type.String(),
      multiples: Type.Boolean(),
      severity: Severity,
      message: Message,
    },
    strict,
  ),
]);

export const AgentProfileSpec = Type.Object(
  {
    extends: Type.Optional(
      Type.String({
        description:
          'The profile this one builds on. Fields given here replace those of the base; lists of keys and rules are added.',
      }),
    ),
    moduleId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "Id of the module whose twin holds the agent's configuration.",
      }),
    ),
    section: Type.Optional(
      Type.String({
        pattern: '^(/.*)?$',
        description: 'JSON pointer from properties.desired to the settings; "" is the root.',
      }),
    ),
    encoding: Type.Optional(
      Type.Enum(['Plain', 'ValueWrapper', 'PnpComponent'], {
        description: 'The form of a setting inside the twin.',
      }),
    ),
    patchGranularity: Type.Optional(
      Type.Enum(['leaf', 'section'], {
        description:
          'Whether the agent takes a patch for a change of the keys it names (leaf) or for its whole configuration (section).',
      }),
    ),
    ownershipAtom: Type.Optional(
      Type.Enum(['Setting', 'Leaf'], {
        description: 'The unit of ownership and removal: a top-level setting, or every leaf below it.',
      }),
    ),
    envelope: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Members that an object holding settings must carry, such as {"__t": "c"}.',
      }),
    ),
    onRemove: Type.Optional(
      Type.Enum(['Null', 'Keep'], {
        description:
          'Whether a setting that is no longer declared is removed, or kept because the agent refuses a null.',
      }),
    ),
    schema: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema 2020-12 of the plain settings.' }),
    ),
    comparators: Type.Optional(
      Type.Array(
        Type.Object(
          {
            keys: Patterns('Names of settings; * stands for any text.'),
            comparator: Type.Enum(['exact', 'duration', 'caseInsensitive', 'csvSet', 'csvOrdered']),
          },
          strict,
        ),
        { description: 'How values are compared; the first match for a setting counts.' },
      ),
    ),
    rules: Type.Optional(
      Type.Array(RuleSpec, { description: 'Rules between settings, checked on the merged result.' }),
    ),
    defaults: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Values that the agent uses for absent settings.' }),
    ),
    sensitive: Type.Optional(Patterns('Settings whose values are never printed.')),
    deny: Type.Optional(Patterns("Settings that can't be declared and are always preserved.")),
    preserve: Type.Optional(Patterns('Settings that are never removed.')),
    nudge: Type.Optional(
      Type.Boolean({
        description: 'Whether Twinward may send the section once more to an agent that lost its settings.',
      }),
    ),
    acknowledgement: Type.Optional(
      Type.Object(
        {
          type: Type.Enum(['None', 'Mirror', 'LatestState', 'Pnp'], {
            description: 'How the agent acknowledges a configuration.',
          }),
        },
        strict,
      ),
    ),
    endOfSupport: Type.Optional(
      Type.String({ format: 'date', description: 'Day after which the vendor no longer supports the agent.' }),
    ),
  },
  { additionalProperties: false, description: 'Description of one kind of security agent.' },
);

/** Narrows JSON-valued members: manifests contain only JSON. */
export type AgentProfileSpec = Omit<Static<typeof AgentProfileSpec>, 'envelope' | 'schema' | 'defaults'> & {
  envelope?: JsonObject;
  schema?: JsonObject;
  defaults?: JsonObject;
};
