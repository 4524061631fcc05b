// Guards and approvals in a Hub manifest.
import { describe, expect, test } from 'vitest';
import type { DeclaredHub } from '../../src/model/declared.ts';
import { file, load } from './fixture.ts';

function hubWith(metadata: string, spec: string): ReturnType<typeof load> {
  return load(
    file(
      'hub.yaml',
      `apiVersion: twinward.dev/v1alpha1\nkind: Hub\nmetadata: {name: dev${metadata}}\nspec: {hostName: a.example${spec}}\n`,
    ),
  );
}

function declaredHub(metadata: string, spec: string): DeclaredHub | undefined {
  return hubWith(metadata, spec).declared?.hubs[0];
}

const NONE = { maxChanged: undefined, maxRemoved: undefined, maxUnassigned: undefined, maxCreated: undefined };

describe('guards', () => {
  test('are none where none is written', () => {
    expect(declaredHub('', '')?.guards).toEqual(NONE);
    expect(declaredHub('', ', guards: {}')?.guards).toEqual(NONE);
  });

  test('are counts or shares', () => {
    const spec = ', guards: {maxChanged: 25%, maxRemoved: 0, maxUnassigned: 0%, maxCreated: 100}';
    expect(declaredHub('', spec)?.guards).toEqual({
      maxChanged: { share: 0.25 },
      maxRemoved: { count: 0 },
      maxUnassigned: { share: 0 },
      maxCreated: { count: 100 },
    });
  });

  test.each([
    ['maxChanged: 101%', 'TW11'],
    ['maxChanged: -1', 'TW11'],
    ['maxChanged: 1.5', 'TW11'],
    ['maxChanged: many', 'TW11'],
    ['maxChange: 1', 'TW1102'],
  ])('refuse %s', (guard, code) => {
    const { declared, diagnostics } = hubWith('', `, guards: {${guard}}`);
    expect(declared).toBeUndefined();
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]?.code).toMatch(new RegExp(`^${code}`));
  });
});

describe('an approval', () => {
  const approve = (text: string): string => `, annotations: {twinward.dev/approve: ${text}}`;

  test('is a fingerprint and a count', () => {
    expect(declaredHub('', '')?.approval).toBeUndefined();
    expect(declaredHub(approve('3f9c2e1a77b0@2180'), '')?.approval).toEqual({
      fingerprint: '3f9c2e1a77b0',
      count: 2_180,
    });
  });

  test.each(['3f9c2e1a77b0', '"yes"', '3f9c@1', '3F9C2E1A77B0@1', '3f9c2e1a77b0@all', '"*@5"'])('is not %s', (text) => {
    const { declared, diagnostics } = hubWith(approve(text), '');
    expect(declared).toBeUndefined();
    expect(diagnostics).toMatchObject([{ code: 'TW1106', line: 3 }]);
  });

  test('has no effect on another kind, which is reported', () => {
    const { diagnostics } = load(
      file(
        'group.yaml',
        `apiVersion: twinward.dev/v1alpha1\nkind: DeviceGroup\nmetadata: {name: g${approve('3f9c2e1a77b0@1')}}\nspec: {selector: {matchAll: true}}\n`,
      ),
    );
    expect(diagnostics.map(({ code }) => code)).toContain('TW2106');
  });
});
