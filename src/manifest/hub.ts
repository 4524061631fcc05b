// Compiles a Hub manifest: addresses, places of secrets, shares.
import { isAbsolute, join } from 'node:path';
import {
  APPROVE_ANNOTATION,
  type Approval,
  type Authentication,
  type DeclaredHub,
  type Limit,
  type SecretRef,
} from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { DocumentPath } from './document.ts';
import type { Resource } from './resource.ts';
import type { HubManifest } from './schema.ts';

/** Default shares of the hub's capacity. */
const DEFAULT_THROTTLE_SHARE = 0.4;
const DEFAULT_MESSAGES_SHARE = 0.1;

/** The one hub of a source without Hub manifests; the credential identifies it. */
export const IMPLICIT_HUB: DeclaredHub = {
  name: 'default',
  origin: undefined,
  hostName: undefined,
  endpoint: undefined,
  caFile: undefined,
  authentication: undefined,
  events: undefined,
  capacity: undefined,
  budget: { throttle: DEFAULT_THROTTLE_SHARE, dailyMessages: DEFAULT_MESSAGES_SHARE },
  mode: undefined,
  guards: { maxChanged: undefined, maxRemoved: undefined, maxUnassigned: undefined, maxCreated: undefined },
  approval: undefined,
};

export function compileHub(resource: Resource<HubManifest>, diagnostics: Diagnostic[]): DeclaredHub {
  const { metadata, spec } = resource.manifest;
  checkEndpoint(resource, spec.endpoint, diagnostics);
  return {
    name: metadata.name,
    origin: resource.origin,
    hostName: spec.hostName.toLowerCase(),
    endpoint: spec.endpoint,
    caFile: spec.caFile === undefined ? undefined : resolvePath(resource, spec.caFile),
    authentication: compileAuthentication(resource, spec.auth, diagnostics),
    events: spec.events && compileSecret(resource, ['spec', 'events'], spec.events.secretRef, diagnostics),
    capacity: spec.capacity,
    budget: {
      throttle: share(spec.budget?.throttle) ?? DEFAULT_THROTTLE_SHARE,
      dailyMessages: share(spec.budget?.dailyMessages) ?? DEFAULT_MESSAGES_SHARE,
    },
    mode: spec.mode,
    guards: {
      maxChanged: limit(spec.guards?.maxChanged),
      maxRemoved: limit(spec.guards?.maxRemoved),
      maxUnassigned: limit(spec.guards?.maxUnassigned),
      maxCreated: limit(spec.guards?.maxCreated),
    },
    approval: compileApproval(resource, diagnostics),
  };
}

/** `3f9c2e1a77b0@2180`, as a plan prints it. */
function compileApproval(resource: Resource<HubManifest>, diagnostics: Diagnostic[]): Approval | undefined {
  const text = resource.manifest.metadata.annotations?.[APPROVE_ANNOTATION];
  if (text === undefined) return undefined;
  const [, fingerprint, count] = /^([0-9a-f]{12})@([0-9]{1,9})$/.exec(text) ?? [];
  if (fingerprint !== undefined && count !== undefined) return { fingerprint, count: Number(count) };
  const path = ['metadata', 'annotations', APPROVE_ANNOTATION];
  const message = 'An approval is the fingerprint of a plan, "@" and its number of twins.';
  diagnostics.push(resource.problem('TW1106', path, message, 'Copy it from what `twinward plan` prints.'));
  return undefined;
}

function checkEndpoint(resource: Resource, endpoint: string | undefined, diagnostics: Diagnostic[]): void {
  if (endpoint === undefined) return;
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain =
    url?.protocol === 'https:' &&
    url.pathname === '/' &&
    `${url.username}${url.password}${url.search}${url.hash}` === '';
  if (isPlain) return;
  const message = 'The endpoint must be an https address with a host and a port, and nothing else.';
  diagnostics.push(resource.problem('TW1106', ['spec', 'endpoint'], message, 'For example https://127.0.0.1:8443.'));
}

function compileAuthentication(
  resource: Resource,
  auth: HubManifest['spec']['auth'],
  diagnostics: Diagnostic[],
): Authentication | undefined {
  if (auth === undefined) return undefined;
  const { type, secretRef } = auth;
  if (type === 'Entra') {
    if (secretRef !== undefined) {
      const path = ['spec', 'auth', 'secretRef'];
      diagnostics.push(
        resource.problem(
          'TW1102',
          path,
          'Entra takes no "secretRef".',
          'It signs in with the ambient identity.',
          'key',
        ),
      );
    }
    return { type };
  }
  return { type, secret: secretRef && compileSecret(resource, ['spec', 'auth'], secretRef, diagnostics) };
}

function compileSecret(
  resource: Resource,
  path: DocumentPath,
  { env, file }: { readonly env?: string; readonly file?: string },
  diagnostics: Diagnostic[],
): SecretRef | undefined {
  if (env !== undefined && file === undefined) return { env };
  if (file !== undefined && env === undefined) return { file: resolvePath(resource, file) };
  diagnostics.push(resource.problem('TW1111', [...path, 'secretRef'], 'A secretRef names either "env" or "file".'));
  return undefined;
}

function resolvePath(resource: Resource, path: string): string {
  return isAbsolute(path) ? path : join(resource.folder, path);
}

function limit(written: number | string | undefined): Limit | undefined {
  if (typeof written === 'number') return { count: written };
  return written === undefined ? undefined : { share: Number(written.slice(0, -1)) / 100 };
}

function share(percent: string | undefined): number | undefined {
  return percent === undefined ? undefined : Number(percent.slice(0, -1)) / 100;
}
