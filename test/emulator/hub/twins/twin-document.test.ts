// Merge and metadata, against a model that knows only the history of writes.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  freshSection,
  patchSection,
  replacementPatch,
  replaceSection,
  type Section,
  wireSection,
} from '../../../../src/emulator/hub/twins/twin-document.ts';
import { getKey, isObject, mergePatch, type Json, type JsonObject } from '../../../../src/model/json.ts';
import * as arbitrary from '../arbitrary-json.ts';

/** RFC 7386, section 2, over nested maps: shares no code with the hub. */
type Tree = Map<string, Tree | string>;

function mergeTree(target: Tree, patch: JsonObject): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) target.delete(key);
    else if (isObject(value)) {
      const old = target.get(key);
      const child: Tree = old instanceof Map ? old : new Map();
      mergeTree(child, value);
      target.set(key, child);
    } else target.set(key, JSON.stringify(value));
  }
}

function treeOf(object: JsonObject): Tree {
  return new Map(
    Object.entries(object).map(([key, value]) => [key, isObject(value) ? treeOf(value) : JSON.stringify(value)]),
  );
}

function namesPath(patch: JsonObject, path: readonly string[]): boolean {
  let value: Json | undefined = patch;
  for (const key of path) {
    if (!isObject(value)) return false;
    value = getKey(value, key);
  }
  return value !== undefined && value !== null;
}

function stampAt(metadata: JsonObject, path: readonly string[]): Json | undefined {
  const place = path.reduce<Json | undefined>(
    (value, key) => (isObject(value) ? getKey(value, key) : undefined),
    metadata,
  );
  return isObject(place) ? place['$lastUpdated'] : undefined;
}

function pathsOf(object: JsonObject, above: readonly string[] = []): string[][] {
  return Object.entries(object).flatMap(([key, value]) => {
    const path = [...above, key];
    return isObject(value) ? [path, ...pathsOf(value, path)] : [path];
  });
}

/** Paths that metadata knows, stamps aside. */
function metadataPaths(metadata: JsonObject, above: readonly string[] = []): string[][] {
  return Object.entries(metadata)
    .filter(([key]) => !key.startsWith('$'))
    .flatMap(([key, value]) => [[...above, key], ...metadataPaths(value as JsonObject, [...above, key])]);
}

function after(patches: readonly JsonObject[]): Section {
  return patches.reduce(
    (section, patch, index) => patchSection(section, patch, `t${index}`, 'desired'),
    freshSection('t'),
  );
}

const byText = (a: readonly string[], b: readonly string[]) => (a.join('/') < b.join('/') ? -1 : 1);

describe('patches', () => {
  test('leave what RFC 7386 says', () => {
    fc.assert(
      fc.property(fc.array(arbitrary.patch, { maxLength: 6 }), (patches) => {
        const tree: Tree = new Map();
        for (const patch of patches) mergeTree(tree, patch);
        expect(treeOf(after(patches).properties)).toEqual(tree);
      }),
    );
  });

  test('stamp every key with the last write that named it, and the root with the last write', () => {
    fc.assert(
      fc.property(fc.array(arbitrary.patch, { minLength: 1, maxLength: 6 }), (patches) => {
        const { properties, metadata } = after(patches);
        expect(metadata['$lastUpdated']).toBe(`t${patches.length - 1}`);
        for (const path of pathsOf(properties)) {
          expect(stampAt(metadata, path)).toBe(`t${patches.findLastIndex((patch) => namesPath(patch, path))}`);
        }
      }),
    );
  });

  test('keep metadata for exactly the keys that are there', () => {
    fc.assert(
      fc.property(fc.array(arbitrary.patch, { maxLength: 6 }), (patches) => {
        const { properties, metadata } = after(patches);
        expect(metadataPaths(metadata).toSorted(byText)).toEqual(pathsOf(properties).toSorted(byText));
      }),
    );
  });

  test('change no section that was there before', () => {
    fc.assert(
      fc.property(fc.array(arbitrary.patch, { minLength: 1, maxLength: 4 }), arbitrary.patch, (patches, last) => {
        const before = after(patches);
        const text = JSON.stringify(before);
        patchSection(before, last, 'later', 'desired');
        expect(JSON.stringify(before)).toBe(text);
      }),
    );
  });
});

describe('replacements', () => {
  test('leave what was sent, all of it stamped by this write', () => {
    fc.assert(
      fc.property(arbitrary.section, arbitrary.section, (first, second) => {
        const replaced = replaceSection(replaceSection(freshSection('t0'), first, 't1'), second, 't2');
        expect(treeOf(replaced.properties)).toEqual(treeOf(second));
        expect(JSON.stringify(replaced.metadata)).not.toMatch(/"t[01]"/);
        expect(replaced.version).toBe(3);
      }),
    );
  });

  test('tell the device a patch that leads from the old values to the new', () => {
    fc.assert(
      fc.property(arbitrary.section, arbitrary.section, (before, next) => {
        const patched = mergePatch(before, replacementPatch(before, next)) as JsonObject;
        expect(treeOf(patched)).toEqual(treeOf(next));
      }),
    );
  });

  test('tell null for what is gone, and unchanged values too', () => {
    expect(replacementPatch({ a: 1, b: 2 }, { a: 1, c: 100 })).toEqual({ a: 1, b: null, c: 100 });
    expect(replacementPatch({ x: { p: 1, q: 2 } }, { x: { p: 1 } })).toEqual({ x: { p: 1, q: null } });
    expect(replacementPatch({ x: { p: 1 } }, { x: 5 })).toEqual({ x: 5 });
  });
});

describe('the wire form', () => {
  test('has the user keys, then $metadata, then $version', () => {
    const section = patchSection(freshSection('t'), { b: 1, a: { c: [1] } }, 'u', 'desired');
    expect(JSON.stringify(wireSection(section))).toBe(
      '{"b":1,"a":{"c":[1]},"$metadata":{"$lastUpdated":"u","$lastUpdatedVersion":2,' +
        '"b":{"$lastUpdated":"u","$lastUpdatedVersion":2},"a":{"$lastUpdated":"u","$lastUpdatedVersion":2,' +
        '"c":{"$lastUpdated":"u","$lastUpdatedVersion":2}}},"$version":2}',
    );
  });

  test('has no $lastUpdatedVersion on reported properties', () => {
    expect(patchSection(freshSection('t'), { a: 1 }, 'u', 'reported').metadata).toEqual({
      $lastUpdated: 'u',
      a: { $lastUpdated: 'u' },
    });
  });
});
