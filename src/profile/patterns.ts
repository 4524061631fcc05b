// Names of settings, and patterns over them in which `*` stands for any text.

/** True where the name, or the top-level setting it lies in, fits one of the patterns. */
export function matchesPattern(name: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return false;
  const slash = name.indexOf('/');
  const top = slash === -1 ? name : name.slice(0, slash);
  return patterns.some((pattern) => fits(name, pattern) || fits(top, pattern));
}

/** Greedy matching of the texts between stars: linear, whatever the pattern. */
function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return name === pattern;
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  let from = first.length;
  for (const part of parts.slice(1, -1)) {
    const at = name.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return from <= name.length - last.length;
}
