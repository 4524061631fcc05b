// The identity of a hub across restarts: its name, its policies' keys, its authority and its issuer.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../model/json.ts';
import type { Authority } from '../rest/certificates.ts';
import type { Policy } from '../rest/policies.ts';
import type { IssuerKey } from '../rest/token-issuer.ts';
import { replaceFile } from './private-file.ts';

const SETTINGS_FILE = 'hub.json';

/** Contains secrets. */
export interface HubSettings {
  readonly hostName: string;
  readonly policies: readonly Policy[];
  readonly authority: Authority;
  /** Absent in settings of older versions. */
  readonly issuerKey?: IssuerKey;
}

/** Undefined if the directory has no hub yet. The error of a damaged file quotes nothing of it. */
export function readSettings(directory: string): HubSettings | undefined {
  const path = join(directory, SETTINGS_FILE);
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  const value = parse(text);
  if (!isSettings(value)) throw new Error(`${path} does not contain an embedded hub. Choose another data directory.`);
  return value;
}

export function writeSettings(directory: string, settings: HubSettings): void {
  replaceFile(join(directory, SETTINGS_FILE), `${JSON.stringify(settings, null, 2)}\n`);
}

function isSettings(value: unknown): value is HubSettings {
  return (
    isObject(value) &&
    typeof value['hostName'] === 'string' &&
    Array.isArray(value['policies']) &&
    isObject(value['authority'])
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
