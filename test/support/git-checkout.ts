// A temporary git checkout for a test: each commit replaces all files.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export interface GitCheckout {
  readonly path: string;
  /** The id of the new commit. */
  commit(files: Readonly<Record<string, string>>): string;
  git(...args: string[]): string;
  remove(): void;
}

/** Ignores the user's git configuration. */
const OWN_CONFIG = ['user.name=t', 'user.email=t@example.org', 'commit.gpgSign=false', 'core.hooksPath=none'].flatMap(
  (one) => ['-c', one],
);

export function gitCheckout(): GitCheckout {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'twinward-git-')));
  const git = (...args: string[]): string =>
    execFileSync('git', [...OWN_CONFIG, ...args], {
      cwd: path,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  git('init', '--quiet', '--initial-branch=main');
  return {
    path,
    git,
    commit(files) {
      git('rm', '-r', '--quiet', '--ignore-unmatch', '.');
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), text);
      }
      git('add', '--all');
      git('commit', '--quiet', '--allow-empty', '--message', 'x');
      return git('rev-parse', 'HEAD');
    },
    remove: () => rmSync(path, { recursive: true }),
  };
}
