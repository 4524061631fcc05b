// Names of settings, and patterns over them in which `*` stands for any text.
import { escapeSegment, isObject, type Json } from '../model/json.ts';

/** True if the name, or a name above it, matches one of the patterns. */
export function matchesPattern(name: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return false;
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    const above = name.slice(0, slash);
    if (patterns.some((pattern) => fits(above, pattern))) return true;
  }
  return patterns.some((pattern) => fits(name, pattern));
}

/** True if the name, or that of anything inside the value, matches. Arrays are leaves. */
export function holdsMatch(name: string, value: Json | undefined, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return false;
  if (matchesPattern(name, patterns)) return true;
  return (
    isObject(value) &&
    Object.keys(value).some((key) => holdsMatch(`${name}/${escapeSegment(key)}`, value[key], patterns))
  );
}

/** Greedy matching of the texts between stars: linear, whatever the pattern. */
function fits(name: string, pattern: string): boolean {
  const star = pattern.indexOf('*');
  if (star === -1) return name === pattern;
  if (!name.startsWith(pattern.slice(0, star))) return false;
  const parts = pattern.slice(star + 1).split('*');
  const last = parts.pop() as string;
  if (!name.endsWith(last)) return false;
  let from = star;
  for (const part of parts) {
    const at = name.indexOf(part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return from <= name.length - last.length;
}
