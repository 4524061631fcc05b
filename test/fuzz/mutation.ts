// Changes of a JSON value that leave most of it as it is: something replaced, removed, added, repeated or copied.
import * as fc from 'fast-check';
import { cloneJson, isObject, setKey, type Json, type JsonObject } from '../../src/model/json.ts';

export interface Mutation {
  readonly what: 'replace' | 'remove' | 'add' | 'repeat' | 'copy';
  /** Which of the places in the document, and for a copy from which, as a share of all. */
  readonly at: number;
  readonly from: number;
  readonly key: string;
  readonly value: Json;
}

const share = fc.double({ min: 0, max: 0.999, noNaN: true });

/** With these keys for what is added, and these values. */
export function mutationOf(key: fc.Arbitrary<string>, value: fc.Arbitrary<Json>): fc.Arbitrary<Mutation> {
  return fc.record({
    what: fc.constantFrom('replace', 'replace', 'remove', 'add', 'repeat', 'copy'),
    at: share,
    from: share,
    key,
    value,
  });
}

interface Place {
  readonly holder: JsonObject | Json[];
  readonly key: string;
  readonly value: Json;
}

function placesIn(value: Json): Place[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => [{ holder: value, key: String(index), value: item }, ...placesIn(item)]);
  if (!isObject(value)) return [];
  return Object.keys(value).flatMap((name) => [
    { holder: value, key: name, value: value[name] as Json },
    ...placesIn(value[name] as Json),
  ]);
}

/** Changes what is inside the root. */
export function mutate(root: Json, { what, at, from, key: name, value }: Mutation): void {
  const places = placesIn(root);
  const { holder, key: old, value: found } = places[Math.floor(at * places.length)] ?? {};
  if (holder === undefined || old === undefined) return;
  const put = (next: Json): void => {
    if (Array.isArray(holder)) holder[Number(old)] = next;
    else setKey(holder, old, next);
  };
  if (what === 'replace') put(cloneJson(value));
  else if (what === 'remove' && Array.isArray(holder)) holder.splice(Number(old), 1);
  else if (what === 'remove' && !Array.isArray(holder)) delete holder[old];
  else if (what === 'add' && isObject(found)) setKey(found, name, cloneJson(value));
  else if (what === 'repeat' && Array.isArray(holder)) holder.push(cloneJson(holder[Number(old)] as Json));
  else if (what === 'copy') put(cloneJson(places[Math.floor(from * places.length)]?.value ?? null));
}
