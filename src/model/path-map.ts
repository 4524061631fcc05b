// Values by path, also found from paths above and below: a write to `a` writes `a/b`, and the other way round.

interface Place<V> {
  held: { readonly value: V } | undefined;
  readonly below: Map<string, Place<V>>;
}

export class PathMap<V> {
  readonly #root: Place<V> = { held: undefined, below: new Map() };

  get isEmpty(): boolean {
    return this.#root.held === undefined && this.#root.below.size === 0;
  }

  set(path: readonly string[], value: V): void {
    let place = this.#root;
    for (const key of path) {
      let next = place.below.get(key);
      if (next === undefined) {
        next = { held: undefined, below: new Map() };
        place.below.set(key, next);
      }
      place = next;
    }
    place.held = { value };
  }

  /** The values at, above or below the path. */
  overlapping(path: readonly string[]): V[] {
    const found: V[] = [];
    let place: Place<V> | undefined = this.#root;
    for (const key of path) {
      if (place.held !== undefined) found.push(place.held.value);
      place = place.below.get(key);
      if (place === undefined) return found;
    }
    collect(place, found);
    return found;
  }

  overlaps(path: readonly string[]): boolean {
    return this.overlapping(path).length > 0;
  }
}

function collect<V>(place: Place<V>, found: V[]): void {
  if (place.held !== undefined) found.push(place.held.value);
  for (const next of place.below.values()) collect(next, found);
}
