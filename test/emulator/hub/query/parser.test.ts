// The grammar: what parses, to what, and that everything else is the service's bare 400.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../../../src/emulator/hub/query/parser.ts';
import type { Constant, Expression, Path } from '../../../../src/emulator/hub/query/syntax.ts';
import { ServiceError } from '../../../../src/emulator/hub/service-error.ts';
import { refusal } from '../new-hub.ts';

function whereOf(condition: string): Expression | undefined {
  return parseQuery(`SELECT * FROM devices WHERE ${condition}`).where;
}

describe('queries of real clients parse', () => {
  test.each([
    'SELECT * FROM devices',
    'select * from devices',
    'SELECT * FROM devices.modules',
    "SELECT * FROM devices.modules WHERE deviceId in ['thermostat-1']",
    "select * from devices.modules where devices.deviceId = 'd'",
    'select * from devices where capabilities.iotEdge = true',
    "select moduleId from devices.modules where tags.location='US'",
    "SELECT * FROM devices WHERE STARTSWITH(devices.deviceId, 'x')",
    "SELECT * FROM devices.modules WHERE moduleId = 'azureiotsecurity'",
    'SELECT COUNT() AS n FROM devices',
    'SELECT DeviceId, LastActivityTime FROM devices',
    'SELECT deviceId, status, tags, capabilities FROM devices',
    "SELECT * FROM devices.modules WHERE moduleId IN ['a', 'b'] OR IS_DEFINED(tags.twinward)",
    "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[c12]].status = 'Applied' and properties.desired.$version = properties.reported.lastDesiredVersion and properties.reported.lastDesiredStatus.code = 200",
    'SELECT properties.reported.telemetryConfig.status AS status, COUNT() AS numberOfDevices FROM devices GROUP BY properties.reported.telemetryConfig.status',
    'SELECT TOP 5 * FROM devices WHERE tags.[[group]].region = "EU" AND NOT (status <> \'enabled\')',
    'SELECT * FROM devices WHERE tags.n NIN [1, -2, 0x1F, null, undefined, true]',
    ' SELECT\n*\tFROM devices ',
  ])('%s', (text) => expect(() => parseQuery(text)).not.toThrow());
});

describe('precedence and spelling', () => {
  const rows: [condition: string, same: string][] = [
    ['tags.a = 1 OR tags.b = 2 AND tags.c = 3', 'tags.a = 1 OR (tags.b = 2 AND tags.c = 3)'],
    ['NOT tags.a = 1 AND tags.b = 2', '(NOT (tags.a = 1)) AND tags.b = 2'],
    ['tags.a + 2 * 3 = 7', '(tags.a + (2 * 3)) = 7'],
    ['tags.a - 2 - 3 = 7', '((tags.a - 2) - 3) = 7'],
    ['-tags.a * 2 = 4', '((-tags.a) * 2) = 4'],
    ['tags.a <> 1', 'tags.a != 1'],
    ['DEVICEID = "x"', "deviceId = 'x'"],
    ['devices.tags.a = 1', 'Tags.a = 1'],
    ['tags.[[a]] = 0x10', 'tags.a = 16'],
    [String.raw`tags.a = 'it\'s \u0041\\'`, String.raw`tags.a = "it's A\\"`],
    ['tags.a in [1]', 'tags.a IN [1]'],
  ];
  test.each(rows)('%s means %s', (condition, same) => expect(whereOf(condition)).toEqual(whereOf(same)));

  test('user keys keep their case, root names do not', () => {
    expect(whereOf('TAGS.Site = 1')).toMatchObject({ left: { path: ['tags', 'Site'] } });
    expect(whereOf('tags.[[my-key with "x"]] = 1')).toMatchObject({ left: { path: ['tags', 'my-key with "x"'] } });
  });
});

describe('what is refused', () => {
  test.each([
    '',
    'SELECT',
    'SELECT * FROM',
    'SELECT * FROM modules',
    'SELECT * FROM devices.module',
    'SELECT deviceId FROM devices.jobs',
    'SELECT COUNT() AS n FROM devices.jobs',
    'SELECT * FROM devices.jobs GROUP BY status',
    'SELECT * FROM devices.jobs WHERE tags.a = 1',
    'SELECT * FROM devices.jobs WHERE devices.jobs.properties.reported.a = 1',
    'from devices.modules where tags.a = 1',
    'SELECT * FROM devices ORDER BY deviceId',
    'SELECT * FROM devices OFFSET 10',
    'SELECT * FROM devices JOIN devices.modules',
    'SELECT *, deviceId FROM devices',
    'SELECT FROM devices',
    'SELECT nonsense FROM devices',
    'SELECT deviceId deviceId FROM devices',
    'SELECT deviceId AS x, status AS x FROM devices',
    'SELECT TOP * FROM devices',
    'SELECT TOP 0 * FROM devices',
    'SELECT TOP 1.5 * FROM devices',
    'SELECT COUNT(*) FROM devices',
    'SELECT COUNT() AS n FROM devices.modules',
    'SELECT deviceId, COUNT() AS n FROM devices',
    'SELECT deviceId FROM devices GROUP BY status',
    'SELECT * FROM devices GROUP BY status',
    'SELECT SUM() FROM devices',
    'SELECT * FROM devices WHERE',
    'SELECT * FROM devices WHERE tags.group = 1',
    'SELECT * FROM devices WHERE tags. = 1',
    'SELECT * FROM devices WHERE tags.a = ',
    'SELECT * FROM devices WHERE tags.a == 1',
    "SELECT * FROM devices WHERE tags.a = 'open",
    String.raw`SELECT * FROM devices WHERE tags.a = '\x'`,
    String.raw`SELECT * FROM devices WHERE tags.a = '\u12'`,
    'SELECT * FROM devices WHERE tags.[[open = 1',
    'SELECT * FROM devices WHERE tags.[a] = 1',
    'SELECT * FROM devices WHERE (tags.a = 1',
    'SELECT * FROM devices WHERE tags.a = 1)',
    'SELECT * FROM devices WHERE tags.a IN 1',
    'SELECT * FROM devices WHERE tags.a IN [tags.b]',
    'SELECT * FROM devices WHERE tags.a NOT IN [1]',
    'SELECT * FROM devices WHERE tags.a = 1 = 2',
    'SELECT * FROM devices WHERE tags.a = [1]',
    "SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'x')",
    "SELECT * FROM devices WHERE CONTAINS(deviceId, 'x')",
    'SELECT * FROM devices WHERE IS_DEFINED(1)',
    'SELECT * FROM devices WHERE IS_DEFINED(tags.a, tags.b)',
    "SELECT * FROM devices WHERE STARTSWITH('x')",
    'SELECT * FROM devices WHERE tags.a = 1e999',
    'SELECT * FROM devices WHERE foo = 1',
    'SELECT * FROM devices; DROP',
    `SELECT * FROM devices WHERE ${'('.repeat(4000)}`,
    `SELECT * FROM devices WHERE ${'NOT '.repeat(2000)}true`,
    `SELECT * FROM devices WHERE ${'-'.repeat(8000)}1`,
    `SELECT * FROM devices WHERE 1${'+1'.repeat(4000)} = 1`,
    `SELECT * FROM devices WHERE deviceId = '${'x'.repeat(8192)}'`,
  ])('%.80s', (text) => {
    expect(refusal(() => parseQuery(text))).toEqual({
      status: 400,
      code: 'ArgumentInvalid',
      number: 400004,
      text: 'BadRequest',
      envelope: 1,
    });
  });

  test('with the reason for logs only', () => {
    const error = thrownBy(() => parseQuery('SELECT * FROM devices WHERE tags.a =='));
    expect(error).toMatchObject({ text: 'BadRequest', detail: expect.stringMatching(/at \d+$/) as unknown });
  });
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}

const key = fc.oneof(
  fc.constantFrom('a', 'group', 'SELECT', '$version', '__proto__', 'x y'),
  fc.stringMatching(/^[^\]]{1,5}$/),
);
const path: fc.Arbitrary<Path> = fc
  .tuple(fc.constantFrom('tags', 'properties', 'deviceId'), fc.array(key, { maxLength: 3 }))
  .map(([root, keys]) => [root, ...keys]);
const constant: fc.Arbitrary<Constant> = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => Math.abs(value)),
  fc.constantFrom(true, false, null, undefined),
);

const { expression } = fc.letrec<{ expression: Expression }>((tie) => {
  const inner = tie('expression');
  const record = <Shape extends Expression>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }) =>
    fc.record(shape) as unknown as fc.Arbitrary<Expression>;
  return {
    expression: fc.oneof(
      { depthSize: 'small' },
      record({ kind: fc.constant('constant'), value: constant }),
      record({ kind: fc.constant('path'), path }),
      record({ kind: fc.constant('isDefined'), path }),
      record({ kind: fc.constantFrom('and', 'or'), terms: fc.array(inner, { minLength: 2, maxLength: 3 }) }),
      record({ kind: fc.constantFrom('not', 'negate'), operand: inner }),
      record({
        kind: fc.constant('compare'),
        operator: fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
        left: inner,
        right: inner,
      }),
      record({
        kind: fc.constant('arithmetic'),
        operator: fc.constantFrom('+', '-', '*', '/', '%'),
        left: inner,
        right: inner,
      }),
      record({
        kind: fc.constant('in'),
        operand: inner,
        values: fc.array(constant, { maxLength: 3 }),
        negated: fc.boolean(),
      }),
      record({ kind: fc.constantFrom('startsWith', 'endsWith'), text: inner, part: inner }),
    ),
  };
});

function printPath(path: Path): string {
  const [root, ...keys] = path;
  return [root, ...keys.map((key) => `[[${key}]]`)].join('.');
}

function printConstant(value: Constant): string {
  if (typeof value === 'string') return `'${value.replaceAll(/['\\]/g, String.raw`\$&`)}'`;
  return String(value);
}

function print(node: Expression): string {
  switch (node.kind) {
    case 'constant':
      return printConstant(node.value);
    case 'path':
      return printPath(node.path);
    case 'isDefined':
      return `IS_DEFINED(${printPath(node.path)})`;
    case 'and':
    case 'or':
      return node.terms.map((term) => `(${print(term)})`).join(` ${node.kind} `);
    case 'not':
      return `NOT (${print(node.operand)})`;
    case 'negate':
      return `-(${print(node.operand)})`;
    case 'in':
      return `(${print(node.operand)}) ${node.negated ? 'NIN' : 'IN'} [${node.values.map(printConstant).join()}]`;
    case 'startsWith':
    case 'endsWith':
      return `${node.kind.toUpperCase()}(${print(node.text)}, ${print(node.part)})`;
    default:
      return `(${print(node.left)}) ${node.operator} (${print(node.right)})`;
  }
}

describe('any text', () => {
  test('printed from a condition parses to that condition', () => {
    fc.assert(
      fc.property(expression, (expression) => {
        const condition = print(expression);
        fc.pre(condition.length < 8000);
        expect(whereOf(condition)).toEqual(expression);
      }),
    );
  });

  test('parses or is refused, and nothing else happens', () => {
    const word = fc.constantFrom(
      ...'SELECT * FROM devices modules WHERE tags a . [[ ]] [ ] ( ) , = <> AND OR NOT IN NIN GROUP BY AS TOP COUNT IS_DEFINED 1 -1 0x \' " \\'.split(
        ' ',
      ),
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.array(word, { maxLength: 30 }).map((words) => words.join(' ')),
      fc.array(word, { maxLength: 30 }).map((words) => `SELECT * FROM devices WHERE ${words.join('')}`),
    );
    fc.assert(
      fc.property(text, (text) => {
        const error = thrownBy(() => parseQuery(text));
        expect(error === undefined || error instanceof ServiceError).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
