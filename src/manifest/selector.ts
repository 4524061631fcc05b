// Compiles selectors; refuses empty and contradictory ones.
import type { Diagnostic } from '../model/diagnostic.ts';
import type { FactKey, Requirement, Scalar, Selector } from '../model/selector.ts';
import type { DocumentPath } from './document.ts';
import type { Resource } from './resource.ts';
import type { SelectorManifest } from './schema.ts';

/** `path` leads to the selector inside the resource. Undefined if it has problems. */
export function toSelector(
  resource: Resource,
  path: DocumentPath,
  manifest: SelectorManifest,
  diagnostics: Diagnostic[],
): Selector | undefined {
  const problems: Diagnostic[] = [];
  const { matchAll, matchTags = {}, matchExpressions = [], deviceIds } = manifest;
  const count = Object.keys(matchTags).length + matchExpressions.length + (deviceIds?.length ?? 0);
  if (matchAll === true && count > 0) {
    problems.push(
      resource.problem(
        'TW1109',
        [...path, 'matchAll'],
        '"matchAll" excludes other conditions.',
        'Remove one or the other.',
        'key',
      ),
    );
  }
  if (matchAll !== true && count === 0) {
    problems.push(
      resource.problem('TW1108', path, 'The selector is empty.', 'For every device write `matchAll: true`.'),
    );
  }
  const requirements: Requirement[] = [];
  const places = new Map<Requirement, DocumentPath>();
  const require = (requirement: Requirement, place: DocumentPath): void => {
    requirements.push(requirement);
    places.set(requirement, place);
  };
  for (const [tag, value] of Object.entries(matchTags)) {
    const misnamed = misnamedTag(tag);
    const at = [...path, 'matchTags', tag];
    if (misnamed !== undefined) {
      const message = `"${tag}" can't be the name of a tag.`;
      problems.push(resource.problem('TW1106', at, message, misnamed, 'key'));
    }
    require({ key: { kind: 'tag', path: tag.split('.') }, operator: 'In', values: [value] }, at);
  }
  for (const [index, expression] of matchExpressions.entries()) {
    const at = [...path, 'matchExpressions', String(index)];
    const { operator, values } = expression;
    const key = toFactKey(expression.key);
    const takesValues = operator === 'In' || operator === 'NotIn';
    if (takesValues && values === undefined) {
      problems.push(resource.problem('TW1103', at, `${operator} needs "values".`, 'Add `values: [...]`.'));
    } else if (!takesValues && values !== undefined) {
      problems.push(
        resource.problem('TW1109', [...at, 'values'], `${operator} takes no values.`, 'Remove "values".', 'key'),
      );
    } else if (operator === 'In' || operator === 'NotIn') {
      require({ key, operator, values: values ?? [] }, at);
    } else {
      require({ key, operator }, at);
    }
  }
  const clash = contradiction(requirements);
  if (clash !== undefined) {
    problems.push(
      resource.problem('TW1109', path, `No device can match this selector: ${clash}.`, 'Change one of the conditions.'),
    );
  }
  diagnostics.push(...problems);
  if (problems.length > 0) return undefined;
  const originOf: Selector['originOf'] = (requirement, value) => {
    const place = (requirement && places.get(requirement)) ?? path;
    const values = requirement !== undefined && 'values' in requirement ? requirement.values : [];
    const index = value === undefined ? -1 : values.indexOf(value);
    // Each value of `matchTags` has its own place: use the nearest one.
    return resource.originOf(index === -1 ? place : [...place, 'values', String(index)]);
  };
  return { requirements, ...(deviceIds === undefined ? {} : { deviceIds: new Set(deviceIds) }), originOf };
}

/** The correct spelling, if the text is not a path of a tag. */
function misnamedTag(tag: string): string | undefined {
  if (tag.startsWith('tags.')) return `Write "${tag.slice('tags.'.length)}": every key here is a tag.`;
  if (/^[^.$#\s\p{Cc}]+(\.[^.$#\s\p{Cc}]+)*$/u.test(tag)) return undefined;
  return 'Write "name", or "outer.inner" for a tag inside a tag; no spaces, "$" or "#".';
}

function toFactKey(key: string): FactKey {
  if (key === 'deviceId' || key === 'status') return { kind: key };
  if (key === 'capabilities.iotEdge') return { kind: 'iotEdge' };
  return { kind: 'tag', path: key.split('.').slice(1) };
}

export function formatFactKey(key: FactKey): string {
  if (key.kind === 'tag') return `tags.${key.path.join('.')}`;
  return key.kind === 'iotEdge' ? 'capabilities.iotEdge' : key.kind;
}

/** True if provably no device matches both. */
export function excludeEachOther(a: Selector, b: Selector): boolean {
  const { deviceIds } = a;
  if (deviceIds !== undefined && b.deviceIds !== undefined && deviceIds.isDisjointFrom(b.deviceIds)) return true;
  return contradiction([...a.requirements, ...b.requirements]) !== undefined;
}

/** Describes two conditions on one fact that exclude each other. */
function contradiction(requirements: readonly Requirement[]): string | undefined {
  const byKey = new Map<string, Requirement[]>();
  for (const requirement of requirements) {
    const key = formatFactKey(requirement.key);
    byKey.set(key, [...(byKey.get(key) ?? []), requirement]);
  }
  for (const [key, same] of byKey) {
    let possible: readonly Scalar[] | undefined;
    for (const requirement of same) {
      if (requirement.operator === 'In')
        possible = (possible ?? requirement.values).filter((value) => requirement.values.includes(value));
    }
    for (const requirement of same) {
      if (requirement.operator === 'NotIn') possible = possible?.filter((value) => !requirement.values.includes(value));
    }
    const needsPresence = possible !== undefined || same.some(({ operator }) => operator === 'Exists');
    const needsAbsence = same.some(({ operator }) => operator === 'DoesNotExist');
    if (possible?.length === 0) return `the conditions on ${key} leave no value`;
    if (needsPresence && needsAbsence) return `${key} must both exist and not exist`;
  }
  return undefined;
}
