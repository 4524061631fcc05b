// `validate` over a thousand files, the whole process, against one that does nothing but parse their YAML.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFiles } from './files.ts';
import { atMost, median, note, pathOf, runWhole, type Figure, type Whole } from './measure.ts';

const ROUNDS = 7;
const RATIO_MAX = 1.6;

export async function benchValidate(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-bench-'));
  try {
    const written = writeFiles(folder);
    const parse = (): Whole => runWhole(pathOf('children/parse-yaml.ts'), [folder]);
    const validate = (): Whole => runWhole(pathOf('../bin/twinward.js'), ['validate', '-f', folder]);
    parse();
    validate();
    const rounds = Array.from({ length: ROUNDS }, () => ({ parse: parse(), validate: validate() }));
    const seconds = (read: (round: (typeof rounds)[number]) => number): string =>
      `${(median(rounds.map(read)) / 1_000).toFixed(2)} s`;
    return [
      note('files, documents, MB', `${written.files}, ${written.documents}, ${(written.bytes / 1e6).toFixed(1)}`),
      note(
        'CPU: YAML parse alone',
        seconds((round) => round.parse.cpuMs),
      ),
      note(
        'CPU: validate',
        seconds((round) => round.validate.cpuMs),
      ),
      note(
        'wall: YAML parse alone',
        seconds((round) => round.parse.wallMs),
      ),
      note(
        'wall: validate',
        seconds((round) => round.validate.wallMs),
      ),
      atMost('CPU: validate / parse', median(rounds.map((r) => r.validate.cpuMs / r.parse.cpuMs)), RATIO_MAX, '×'),
      note('wall: validate / parse', `${median(rounds.map((r) => r.validate.wallMs / r.parse.wallMs)).toFixed(2)}×`),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
