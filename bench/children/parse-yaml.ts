// Reads the files of a folder and parses them with the `yaml` package, and does nothing else: what `validate` is held against.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const [folder = ''] = process.argv.slice(2);
let documents = 0;
for (const name of readdirSync(folder)) {
  documents += parseAllDocuments(readFileSync(join(folder, name), 'utf8')).length;
}
console.log(documents);
