// Explains the YAML parser's errors to users who do not know its grammar. Never quotes the file: it may contain a
// secret there.
import type { YAMLError } from 'yaml';
import type { Code } from '../model/codes.ts';

export interface YamlWords {
  readonly code: Code;
  readonly message: string;
  readonly hint: string | undefined;
}

type Words = Omit<YamlWords, 'code'> & { readonly code?: Code };

const QUOTES_HINT = 'Double a quote inside the text, or use the other kind of quotes.';

export const UNKNOWN_ALIAS = 'The alias names no anchor. A text that starts with "*" must be in quotes.';

/** By the parser's message. */
const BY_MESSAGE: readonly (readonly [pattern: RegExp, words: Words])[] = [
  [/^Missing closing "quote/, { message: 'A text that begins with " has no end.', hint: QUOTES_HINT }],
  [/^Missing closing 'quote/, { message: "A text that begins with ' has no end.", hint: QUOTES_HINT }],
  [
    /^Flow sequence .*must be sufficiently indented/,
    {
      message: 'A list that begins with "[" has no "]", or continues in a line with too little indentation.',
      hint: undefined,
    },
  ],
  [
    /^Flow map .*must be sufficiently indented/,
    {
      message: 'An object that begins with "{" has no "}", or continues in a line with too little indentation.',
      hint: undefined,
    },
  ],
  [/^Missing , /, { message: 'A "," is missing between two items.', hint: undefined }],
  [/^Missing space after :/, { message: 'A space is missing after ":".', hint: undefined }],
  [
    /^Nested mappings are not allowed in compact mappings/,
    {
      message: 'Another key begins inside this value.',
      hint: 'Start each key on its own line, at the column of its sibling keys; put a text with ": " in quotes.',
    },
  ],
  [
    /^(?:Implicit keys need|Implicit map keys need|Implicit keys of flow)/,
    { message: 'No ": " follows this key.', hint: 'Write a colon and a space between a key and its value.' },
  ],
  [
    /^All mapping items must start at the same column/,
    {
      message: 'This key is not indented like its sibling keys.',
      hint: 'Start the keys of one object at the same column.',
    },
  ],
  [
    /^(?:All sequence items must start|Sequence item without)/,
    {
      message: 'This is not indented like its sibling items.',
      hint: 'Start the items of one list with "- " at the same column.',
    },
  ],
  [/^A block sequence may not/, { message: 'A list must begin on a new line below its key.', hint: undefined }],
  [
    /^Comments must be separated/,
    { message: 'A space is missing before "#".', hint: 'A text with "#" in it must be in quotes.' },
  ],
  [/^Missing directives-end/, { message: 'A line "---" is missing between two documents.', hint: undefined }],
];

/** For other messages of the parser, and those that would quote the file. */
const BY_CODE: Readonly<Partial<Record<YAMLError['code'], Words>>> = {
  TAB_AS_INDENT: { code: 'TW1003', message: 'A tab indents the line.', hint: 'Indent with spaces.' },
  NON_STRING_KEY: { code: 'TW1007', message: 'A key must be a plain text.', hint: 'Put it in quotes.' },
  TAG_RESOLVE_FAILED: {
    code: 'TW1008',
    message: 'The tag is not known. A text that starts with "!" must be in quotes.',
    hint: 'Remove the tag: only texts, numbers, booleans, null, lists and objects are allowed.',
  },
  RESOURCE_EXHAUSTION: {
    code: 'TW1006',
    message: 'The document is nested too deeply.',
    hint: 'Flatten it.',
  },
  BAD_ALIAS: { message: UNKNOWN_ALIAS, hint: undefined },
  BAD_DIRECTIVE: {
    message: 'The directive is not valid. A text that starts with "%" must be in quotes.',
    hint: undefined,
  },
  BAD_DQ_ESCAPE: {
    message: 'The text in double quotes has an escape sequence that YAML does not know.',
    hint: 'Write a backslash as two, or use single quotes.',
  },
  BAD_SCALAR_START: { message: 'A text that starts with this character must be in quotes.', hint: undefined },
  UNEXPECTED_TOKEN: {
    message: 'This is not valid here. A text with special characters must be in quotes.',
    hint: undefined,
  },
};

/** True for an unclosed quoted text: the parser's position is where it expected the end. */
export function isUnclosed({ message }: YAMLError): boolean {
  return /^Missing closing ["']quote/.test(message);
}

export function wordsOf(error: YAMLError): YamlWords {
  const words = BY_CODE[error.code] ?? BY_MESSAGE.find(([pattern]) => pattern.test(error.message))?.[1];
  if (words !== undefined) return { code: 'TW1001', ...words };
  return { code: 'TW1001', message: sentence(error.message), hint: undefined };
}

function sentence(message: string): string {
  const first = message.split('\n')[0] ?? message;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
