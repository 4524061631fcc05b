// Compiles a SecurityException manifest: devices, settings, end, and the person responsible.
import { EXCEPTION_PRIORITY, type DeclaredException } from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { JsonObject } from '../model/json.ts';
import { exceptionOwner } from '../model/owner.ts';
import { encodeLazily, findProfile, findSettingProblems } from './agent-settings.ts';
import { requireHubs, resolveHubs, type References } from './references.ts';
import type { Resource } from './resource.ts';
import type { SecurityExceptionManifest } from './schema.ts';
import { toSelector } from './selector.ts';

type Exception = Resource<SecurityExceptionManifest>;

export function compileException(
  resource: Exception,
  references: References,
  diagnostics: Diagnostic[],
): DeclaredException | undefined {
  const { metadata, spec } = resource.manifest;
  const selector = toSelector(resource, ['spec', 'selector'], spec.selector, diagnostics);
  const hubs = resolveHubs(resource, spec.hubs, references, diagnostics);
  if (hubs === undefined && spec.hubs === undefined) requireHubs(resource, references, diagnostics);
  const profile = findProfile(resource, references, diagnostics);
  const expiresAtMs = Date.parse(spec.expiresAt);
  const settings = (spec.settings ?? {}) as JsonObject;
  const problems = [
    ...findOutcomeProblems(resource),
    ...findTimeProblems(resource, expiresAtMs),
    ...(profile === undefined ? [] : findSettingProblems(resource, profile, settings)),
  ];
  diagnostics.push(...problems);
  if (problems.length > 0 || profile === undefined || selector === undefined || hubs === undefined) return undefined;
  const encoded = encodeLazily(resource, profile, settings, new Map(), []);
  return {
    name: metadata.name,
    owner: exceptionOwner(metadata.name),
    origin: resource.origin,
    targets: [{ group: undefined, hubs, selector, mode: 'Enforce' }],
    profile,
    priority: EXCEPTION_PRIORITY,
    settings,
    get atoms() {
      return encoded.atoms();
    },
    atomOrigins: encoded.atomOrigins,
    unset: [],
    mode: 'Enforce',
    suspend: spec.suspend ?? false,
    // Irrelevant: an exception's settings are undone, not retained or removed.
    deletionPolicy: 'Retain',
    // Only configurations decide about missing modules.
    whenMissing: 'Skip',
    get digest() {
      return encoded.digest();
    },
    maxDevices: spec.maxDevices,
    ownerText: spec.owner,
    reason: spec.reason,
    expiresAtMs,
  };
}

function findOutcomeProblems(resource: Exception): Diagnostic[] {
  const { settings, suspend } = resource.manifest.spec;
  if ((settings === undefined) !== (suspend === undefined)) {
    if (settings === undefined || Object.keys(settings).length > 0) return [];
    return [resource.problem('TW1111', ['spec', 'settings'], 'The exception changes nothing.', 'Name a setting.')];
  }
  const message =
    settings === undefined ? 'The exception changes nothing.' : 'The exception has settings and suspends.';
  return [resource.problem('TW1111', ['spec'], message, 'Give either "settings" or `suspend: true`.')];
}

/** The schema allows some texts that are not valid times, such as a 61st second. */
function findTimeProblems(resource: Exception, expiresAtMs: number): Diagnostic[] {
  if (!Number.isNaN(expiresAtMs)) return [];
  const message = `"${resource.manifest.spec.expiresAt}" is not a valid time.`;
  return [resource.problem('TW1106', ['spec', 'expiresAt'], message, 'Write it as "2026-11-24T06:00:00Z".')];
}

export function explainExpiry({
  declared,
  resource,
}: {
  readonly declared: DeclaredException;
  readonly resource: Resource;
}): Diagnostic {
  const ended = new Date(declared.expiresAtMs).toISOString();
  const message = `The exception ended at ${ended}: its changes are undone, and it has no effect any more.`;
  const hint = `Remove the manifest, or ask its owner (${declared.ownerText}) for a later expiresAt.`;
  return resource.problem('TW2110', ['spec', 'expiresAt'], message, hint);
}
