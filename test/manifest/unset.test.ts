// Which paths a configuration may set and unset at once.
import { describe, expect, test } from 'vitest';
import { loadManifests } from '../../src/manifest/load.ts';
import { document, stream } from './fixture.ts';

function codesOf(ownershipAtom: string, settings: string, unset: string): string[] {
  const profile = document(
    'AgentProfile',
    'guard',
    `{extends: generic, moduleId: guard, ownershipAtom: ${ownershipAtom}}`,
  );
  const spec = `{selector: {matchAll: true}, profile: guard, settings: ${settings}, unset: [${unset}]}`;
  const text = stream(profile, document('SecurityConfiguration', 'a', spec));
  const files = [{ path: 'a.yaml', bytes: new TextEncoder().encode(text) }];
  return loadManifests({ revision: 'sha256:a', files, partial: false }).diagnostics.map(({ code }) => code);
}

describe('set and unset', () => {
  test.each([
    ['another leaf of the same setting', 'Leaf', '{a: {x: 1}}', 'a/y', []],
    ['the same leaf', 'Leaf', '{a: {x: 1}}', 'a/x', ['TW1403']],
    ['all that a leaf lies in', 'Leaf', '{a: {x: 1}}', 'a', ['TW1403']],
    ['a leaf below what is set', 'Leaf', '{a: 1}', 'a/x', ['TW1403']],
    ['a part of a setting that is owned whole', 'Setting', '{a: {x: 1}}', 'a/y', ['TW1301', 'TW1403']],
    ['another setting', 'Setting', '{a: {x: 1}}', 'b', []],
    ['a setting whose name only begins alike', 'Leaf', '{ab: 1}', 'a', []],
  ])('%s', (_what, ownershipAtom, settings, unset, codes) => {
    expect(codesOf(ownershipAtom, settings, unset)).toEqual(codes);
  });
});
