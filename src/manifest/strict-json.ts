// Checks that a text is JSON (RFC 8259) and not just YAML, its superset; describes the first violation.

export interface NotJson {
  /** In the text; its length if something is missing at the end. */
  readonly offset: number;
  readonly message: string;
}

/** The tokens that may come next. */
type State =
  | 'Value'
  | 'ValueOrEnd' // at the start of a list
  | 'Key'
  | 'KeyOrEnd' // at the start of an object
  | 'Colon'
  | 'After'; // after a value: a comma, or a closing bracket

const BLANKS = /[\t\n\r ]*/y;
const LITERAL = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;
/** In pieces: matching a whole text needs memory for each of its characters. */
// oxlint-disable-next-line no-control-regex
const TEXT_PIECE = /[^"\\\u0000-\u001f]+|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/** Undefined if the text is JSON. The message never quotes it: it may contain a secret. */
export function findNotJson(text: string): NotJson | undefined {
  const open: ('{' | '[')[] = [];
  let state: State = 'Value';
  let offset = skip(BLANKS, text, 0);
  while (offset < text.length) {
    const sign = text.charAt(offset);
    const afterSign = follow(state, sign, open);
    const afterText: State | undefined = sign === '"' ? AFTER_TEXT[state] : undefined;
    if (afterSign !== undefined) {
      state = afterSign;
      offset += 1;
    } else if (afterText !== undefined) {
      const end = endOfText(text, offset + 1);
      if (text.charAt(end) !== '"') return { offset: end, message: end === text.length ? UNFINISHED : BAD_TEXT };
      state = afterText;
      offset = end + 1;
    } else {
      const end = isForValue(state) ? skip(LITERAL, text, offset) : offset;
      if (end === offset) return { offset, message: wordsOf(state, sign, open) };
      state = 'After';
      offset = end;
    }
    offset = skip(BLANKS, text, offset);
  }
  if (state === 'After' && open.length === 0) return undefined;
  return { offset, message: open.length === 0 ? 'The file has no value.' : UNFINISHED };
}

const AFTER_TEXT: Readonly<Partial<Record<State, State>>> = {
  Value: 'After',
  ValueOrEnd: 'After',
  Key: 'Colon',
  KeyOrEnd: 'Colon',
};

function isForValue(state: State): boolean {
  return state === 'Value' || state === 'ValueOrEnd';
}

/** The next state after a token of the grammar, or undefined if it is invalid here. */
function follow(state: State, sign: string, open: ('{' | '[')[]): State | undefined {
  if (isForValue(state) && (sign === '{' || sign === '[')) {
    open.push(sign);
    return sign === '{' ? 'KeyOrEnd' : 'ValueOrEnd';
  }
  if (state === 'Colon') return sign === ':' ? 'Value' : undefined;
  const inside = open.at(-1);
  if (inside === undefined) return undefined;
  if (state === 'After' && sign === ',') return inside === '{' ? 'Key' : 'Value';
  const canEnd = state === 'After' || state === 'KeyOrEnd' || state === 'ValueOrEnd';
  if (!canEnd || sign !== (inside === '{' ? '}' : ']')) return undefined;
  open.pop();
  return 'After';
}

function skip(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}

function endOfText(text: string, offset: number): number {
  let end = offset;
  for (let next = skip(TEXT_PIECE, text, end); next > end; next = skip(TEXT_PIECE, text, end)) end = next;
  return end;
}

const UNFINISHED = 'The file ends before its JSON does.';
const BAD_TEXT = 'A text in JSON has no line breaks or tabs except \\n and \\t, and no escapes but those of JSON.';

function wordsOf(state: State, sign: string, open: readonly string[]): string {
  if (sign === '#' || sign === '/') return 'JSON has no comments.';
  if (sign === "'") return 'In JSON a text needs double quotes.';
  switch (state) {
    case 'Key':
      return sign === '}' ? LAST_COMMA : BAD_KEY;
    case 'KeyOrEnd':
      return BAD_KEY;
    case 'Value':
      return sign === ']' && open.at(-1) === '[' ? LAST_COMMA : BAD_VALUE;
    case 'ValueOrEnd':
      return BAD_VALUE;
    case 'Colon':
      return 'A ":" belongs between a key and its value.';
    case 'After':
      if (open.length === 0) return 'A JSON file has one value; put several resources into the "items" of a List.';
      return open.at(-1) === '{' ? 'A "," or "}" belongs here.' : 'A "," or "]" belongs here.';
  }
}

const LAST_COMMA = 'JSON allows no comma after the last item.';
const BAD_KEY = 'In JSON a key needs double quotes.';
const BAD_VALUE =
  'In JSON a value is a text in double quotes, a number such as -0.5, true, false, null, a list or an object.';
