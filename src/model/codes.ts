// The closed table of diagnostic codes. Codes are never reused or renumbered; tests check docs/codes.md against this
// table.

export type Severity = 'error' | 'warning';

interface CodeEntry {
  readonly severity: Severity;
  readonly title: string;
}

// TW10xx: the text of a file. TW11xx: the shape of a resource. TW12xx: names and references. TW13xx: settings against
// their profile. TW14xx: conflicts between resources. TW21xx: warnings. TW22xx: warnings that need a fleet, shown by
// plans.
export const CODES = {
  TW1001: { severity: 'error', title: 'The file is not valid YAML' },
  TW1002: { severity: 'error', title: 'The file is not valid UTF-8' },
  TW1003: { severity: 'error', title: 'A tab where YAML requires spaces' },
  TW1004: { severity: 'error', title: 'A key is written twice' },
  TW1005: { severity: 'error', title: 'Aliases expand to too much' },
  TW1006: { severity: 'error', title: 'The document is too large or too deep' },
  TW1007: { severity: 'error', title: 'A key is not a plain text' },
  TW1008: { severity: 'error', title: 'The YAML uses a tag or a value that JSON lacks' },
  TW1009: { severity: 'error', title: 'The document is not a resource' },
  TW1010: { severity: 'error', title: 'The file is named .json and is not JSON' },

  TW1101: { severity: 'error', title: 'Unknown kind or apiVersion' },
  TW1102: { severity: 'error', title: 'Unknown field' },
  TW1103: { severity: 'error', title: 'A required field is missing' },
  TW1104: { severity: 'error', title: 'A value has the wrong type' },
  TW1105: { severity: 'error', title: 'A value is not one of those allowed' },
  TW1106: { severity: 'error', title: 'A value has the wrong form' },
  TW1107: { severity: 'error', title: 'A field that this version does not support yet' },
  TW1108: { severity: 'error', title: 'A selector is empty' },
  TW1109: { severity: 'error', title: 'A selector contradicts itself' },
  TW1110: { severity: 'error', title: 'A secret is written into a manifest' },
  TW1111: { severity: 'error', title: 'Not exactly one of several fields is given' },

  TW1201: { severity: 'error', title: 'Two resources have the same kind and name' },
  TW1202: { severity: 'error', title: 'A group does not exist' },
  TW1203: { severity: 'error', title: 'A profile does not exist' },
  TW1204: { severity: 'error', title: 'A hub does not exist' },
  TW1205: { severity: 'error', title: 'A built-in profile is shadowed' },
  TW1206: { severity: 'error', title: 'Profiles extend each other in a cycle' },
  TW1207: { severity: 'error', title: 'The hub must be named once two hubs exist' },

  TW1301: { severity: 'error', title: 'The profile has no such setting' },
  TW1302: { severity: 'error', title: 'A setting has the wrong type' },
  TW1303: { severity: 'error', title: 'A setting has a value that is not allowed' },
  TW1304: { severity: 'error', title: 'A setting has the wrong form' },
  TW1305: { severity: 'error', title: 'A setting is out of range' },
  TW1306: { severity: 'error', title: 'A setting that may not be declared' },
  TW1307: { severity: 'error', title: 'Settings do not fit the schema of their profile' },
  TW1308: { severity: 'error', title: 'A setting is null' },
  TW1309: { severity: 'error', title: 'A setting that no twin can hold' },
  TW1310: { severity: 'error', title: 'The definition of a profile is wrong' },
  TW1311: { severity: 'error', title: 'Settings break a rule of their profile' },

  TW1401: { severity: 'error', title: 'Equal priority, different values' },
  TW1402: { severity: 'error', title: 'Two profiles write the same part of a module' },
  TW1403: { severity: 'error', title: 'A setting is both set and unset' },
  TW1404: { severity: 'error', title: 'A policy for a setting that is not declared' },
  TW1405: { severity: 'error', title: 'Two exceptions want different values' },

  TW2101: { severity: 'warning', title: 'A group is not used' },
  TW2102: { severity: 'warning', title: 'A configuration declares nothing' },
  TW2103: { severity: 'warning', title: 'Settings break a recommendation of their profile' },
  TW2104: { severity: 'warning', title: 'Support for the agent ends or has ended' },
  TW2105: { severity: 'warning', title: 'The input holds no resource' },
  TW2106: { severity: 'warning', title: 'An unknown annotation of Twinward' },
  TW2107: { severity: 'warning', title: 'A group label selector matches no group' },
  TW2108: { severity: 'warning', title: 'A configuration is for no hub' },
  TW2109: { severity: 'warning', title: 'A rule holds only where other configurations satisfy it' },
  TW2110: { severity: 'warning', title: 'An exception has ended' },

  TW2201: { severity: 'warning', title: 'A selector names a value of another type than devices have' },
  TW2202: { severity: 'warning', title: 'A selector matches no device of the hub' },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof CODES;
