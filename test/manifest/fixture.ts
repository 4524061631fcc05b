// Manifests for tests, as short texts: a document of each kind around its specification, and files to load.
import { loadManifests, type Loaded } from '../../src/manifest/load.ts';
import type { SourceFile } from '../../src/model/snapshot.ts';

/** Four lines; the specification, in one line, starts at 4:7. */
export function document(kind: string, name: string, spec: string): string {
  return `apiVersion: twinward.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}}\nspec: ${spec}\n`;
}

/** For every device. */
export function legacy(name: string, settings: string, more = ''): string {
  return document(
    'SecurityConfiguration',
    name,
    `{selector: {matchAll: true}, profile: defender-legacy, settings: ${settings}${more === '' ? '' : `, ${more}`}}`,
  );
}

/** The time at which manifests are loaded. */
export const NOW_MS = Date.UTC(2026, 10, 23, 17, 40);

/** `settings: {...}` or `suspend: true`, and more fields; by default for every device and active at `NOW_MS`. */
export function exception(
  name: string,
  outcome: string,
  { until = '2026-11-24T06:00:00Z', selector = 'matchAll: true' } = {},
): string {
  return document(
    'SecurityException',
    name,
    `{selector: {${selector}}, profile: defender-legacy, ${outcome}, owner: soc, reason: INC-812, expiresAt: "${until}"}`,
  );
}

/** Line numbers continue: the next document starts after its "---". */
export function stream(...documents: readonly string[]): string {
  return documents.join('---\n');
}

export function file(path: string, content: string | Uint8Array): SourceFile {
  return { path, bytes: typeof content === 'string' ? new TextEncoder().encode(content) : content };
}

export function load(...files: readonly (SourceFile | string | Uint8Array)[]): Loaded {
  return loadManifests({
    revision: 'sha256:0',
    partial: false,
    files: files.map((given, index) =>
      typeof given === 'object' && 'bytes' in given
        ? given
        : file(index === 0 ? 'manifests/a.yaml' : `manifests/${index}.yaml`, given),
    ),
  });
}
