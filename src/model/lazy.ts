// Values computed on first use, and memoized functions.

export function lazy<T>(compute: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => (known ??= { value: compute() }).value;
}

/** A memoized pure function; it clears its cache when that is full. */
export function remembering<K, V extends string | number | object>(
  limit: number,
  compute: (key: K) => V,
): (key: K) => V {
  const known = new Map<K, V>();
  return (key) => {
    let value = known.get(key);
    if (value === undefined) {
      value = compute(key);
      if (known.size === limit) known.clear();
      known.set(key, value);
    }
    return value;
  };
}
