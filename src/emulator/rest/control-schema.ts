// The request bodies of the control endpoint: strict, with the place of each error.
import { Type, type TObject, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { isObject } from '../../model/json.ts';
import type { HubAction } from '../faults/actions.ts';
import { type Fault, type FaultRule, isPageFault } from '../faults/fault.ts';
import type { IndexLag } from '../hub/query/lagging-index.ts';
import { invalidArgument, SERVICE_CODES } from '../hub/service-error.ts';
import { OPERATION_CLASSES } from '../throttles/operations.ts';
import type { ThrottleSettings } from '../throttles/throttles.ts';
import { TIERS } from '../../model/hub-tier.ts';
import { type Role, ROLES } from './roles.ts';

const DAY_MS = 86_400_000;
const RULES_MAX = 1000;
const UNITS_MAX = 200;

const strict = { additionalProperties: false } as const;

const Count = Type.Integer({ minimum: 1, maximum: 1e9 });
const Duration = Type.Number({ minimum: 0, maximum: DAY_MS });
const Seconds = Type.Number({ minimum: 0, maximum: 3600 });
const Rate = Type.Number({ exclusiveMinimum: 0, maximum: 1e6 });
const Pattern = Type.String({ minLength: 1, maxLength: 512 });
const Id = Type.String({ minLength: 1, maxLength: 128 });
const When = Type.Optional(Type.Enum(['before', 'after']));

const RATES = [...OPERATION_CLASSES.filter((name) => name !== 'statistics'), 'jobUpdates'];

const ThrottleSchema = Type.Object(
  {
    tier: Type.Enum([...TIERS]),
    units: Type.Integer({ minimum: 1, maximum: UNITS_MAX }),
    burstSeconds: Type.Optional(Seconds),
    backlogSeconds: Type.Optional(Seconds),
    dailyMessages: Type.Optional(Type.Integer({ minimum: 0 })),
    rates: Type.Optional(Type.Object(Object.fromEntries(RATES.map((name) => [name, Type.Optional(Rate)])), strict)),
  },
  strict,
);

const LagSchema = Type.Object(
  {
    devices: Type.Optional(Duration),
    modules: Type.Optional(Duration),
    spread: Type.Optional(Duration),
    ghosts: Type.Optional(Duration),
    frozenPages: Type.Optional(Type.Boolean()),
  },
  strict,
);

const orNull = (schema: TSchema): TSchema => Type.Optional(Type.Union([schema, Type.Null()]));

const SettingsSchema = Type.Object(
  {
    throttle: orNull(Type.Object({})),
    lag: orNull(Type.Object({})),
    clockSkewMs: Type.Optional(Type.Number({ minimum: -365 * DAY_MS, maximum: 365 * DAY_MS })),
    historyMs: Type.Optional(Duration),
    nullHazard: Type.Optional(Type.Boolean()),
    keepsLeftSettings: Type.Optional(Type.Boolean()),
  },
  strict,
);

const TokenSchema = Type.Object(
  {
    principal: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
    roles: Type.Optional(Type.Array(Type.Enum([...ROLES]))),
    lifetimeSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: DAY_MS / 1000 })),
  },
  strict,
);

/** By `kind`, so that errors refer to the right one. */
const ACTIONS: Readonly<Record<HubAction['kind'], TObject>> = {
  failOver: kinded({ lossMs: Duration }),
  delete: kinded({ deviceId: Type.Optional(Id), moduleId: Type.Optional(Id) }),
  recreate: kinded({
    deviceId: Type.Optional(Id),
    moduleId: Type.Optional(Id),
    withModules: Type.Optional(Type.Boolean()),
  }),
  wipeTags: kinded({ deviceId: Type.Optional(Id), moduleId: Type.Optional(Id) }),
};

const FAULTS: Readonly<Record<Fault['kind'], TObject>> = {
  latency: kinded({ ms: Duration, when: When }),
  refusal: kinded({ code: Type.Enum([...SERVICE_CODES]), when: When }),
  reset: kinded({ when: When }),
  action: kinded({ action: Type.Object({}), when: When }),
  droppedPage: kinded({}),
  emptyPage: kinded({}),
  missingContinuation: kinded({}),
  truncatedContinuation: kinded({}),
};

const RuleSchema = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 128 })),
    on: Type.Optional(
      Type.Object(
        {
          classes: Type.Optional(Type.Array(Type.Enum([...OPERATION_CLASSES]), { minItems: 1 })),
          isWrite: Type.Optional(Type.Boolean()),
          path: Type.Optional(Pattern),
          deviceId: Type.Optional(Pattern),
          moduleId: Type.Optional(Pattern),
          source: Type.Optional(Type.Enum(['devices', 'modules'])),
        },
        strict,
      ),
    ),
    skip: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e9 })),
    every: Type.Optional(Count),
    probability: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
    count: Type.Optional(Count),
    fault: Type.Object({}),
  },
  strict,
);

/** Request for a token; see TokenRequest. */
export interface ControlTokenRequest {
  readonly principal?: string;
  readonly roles?: readonly Role[];
  readonly lifetimeSeconds?: number;
}

export interface ControlSettings {
  readonly throttle?: ThrottleSettings | null;
  readonly lag?: IndexLag | null;
  readonly clockSkewMs?: number;
  readonly historyMs?: number;
  readonly nullHazard?: boolean;
  readonly keepsLeftSettings?: boolean;
}

/** Like all readers here, throws ArgumentInvalid with the place of the first error. */
export function readSettings(value: unknown): ControlSettings {
  check(SettingsSchema, value, 'settings');
  const settings = value as ControlSettings;
  if (settings.throttle) check(ThrottleSchema, settings.throttle, 'settings.throttle');
  if (settings.lag) check(LagSchema, settings.lag, 'settings.lag');
  return settings;
}

export function readTokenRequest(value: unknown): ControlTokenRequest {
  check(TokenSchema, value, 'token');
  return value as ControlTokenRequest;
}

export function readRules(value: unknown): FaultRule[] {
  if (!Array.isArray(value)) throw invalidArgument('faults should be a list of rules.');
  if (value.length > RULES_MAX) throw invalidArgument(`faults should be at most ${RULES_MAX} rules.`);
  return value.map((rule, index) => readRule(rule, `faults[${index}]`));
}

export function readRule(value: unknown, place = 'rule'): FaultRule {
  check(RuleSchema, value, place);
  const rule = value as FaultRule;
  const { fault, on } = rule;
  checkKind(FAULTS, fault, `${place}.fault`);
  if (fault.kind === 'action') readAction(fault.action, `${place}.fault.action`);
  if (on?.source !== undefined && !isPageFault(fault)) {
    throw invalidArgument(`${place}.on.source is only for faults of pages, not for ${fault.kind}.`);
  }
  return rule;
}

export function readAction(value: unknown, place = 'action'): HubAction {
  checkKind(ACTIONS, value, place);
  return value as HubAction;
}

function kinded(fields: Record<string, TSchema>): TObject {
  return Type.Object({ kind: Type.String(), ...fields }, strict);
}

function checkKind(schemas: Readonly<Record<string, TSchema>>, value: unknown, place: string): void {
  const kind = isObject(value) ? value['kind'] : undefined;
  const schema = typeof kind === 'string' && Object.hasOwn(schemas, kind) ? schemas[kind] : undefined;
  if (schema === undefined) {
    throw invalidArgument(`${place}.kind should be one of ${Object.keys(schemas).join(', ')}.`);
  }
  check(schema, value, place);
}

function check(schema: TSchema, value: unknown, place: string): void {
  const [error] = Value.Errors(schema, value);
  if (error !== undefined) throw invalidArgument(`${place}${error.instancePath.replaceAll('/', '.')} ${words(error)}.`);
}

interface ShapeError {
  readonly keyword: string;
  readonly params: object;
  readonly message: string;
}

function words({ keyword, params, message }: ShapeError): string {
  if (keyword === 'boolean') return 'is not known here';
  if ('allowedValues' in params) return `should be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  if ('requiredProperties' in params) return `lacks ${(params.requiredProperties as string[]).join(', ')}`;
  return message.replace(/^must/, 'should');
}
