import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingBases, withObjects } from './thin-pack.js';

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `line ${index * 7919}\n`).join('');

describe('a thin pack', () => {
  let folder: string;
  const git = (args: readonly string[], input = ''): Buffer =>
    execFileSync('git', args, {
      cwd: folder,
      input,
      stdio: 'pipe',
      env: {
        PATH: process.env.PATH,
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_AUTHOR_NAME: 'A',
        GIT_AUTHOR_EMAIL: 'a@b',
        GIT_COMMITTER_NAME: 'A',
        GIT_COMMITTER_EMAIL: 'a@b',
      },
    });
  const text = (...args: string[]): string => git(args).toString().trim();

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-thin-'));
    git(['init', '-q', '-b', 'main']);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it.each([10, 16, 4000, 60_000])('is whole with the objects that it needs, %d lines', (count) => {
    const path = join(folder, 'file');
    writeFileSync(path, lines(count));
    git(['add', '.']);
    git(['commit', '-q', '-m', 'one']);
    const base = text('rev-parse', 'HEAD:file');
    writeFileSync(path, `${lines(count)}and one more\n`);
    git(['commit', '-q', '-a', '-m', 'two']);
    const args = ['pack-objects', '--revs', '--thin', '--stdout', '--delta-base-offset', '-q'];
    const thin = git(args, 'HEAD\n^HEAD~1\n');
    const { pack, checksum } = withObjects(thin, [
      { type: 'blob', content: readFileSync(path).subarray(0, lines(count).length) },
    ]);
    const whole = join(folder, `pack-${checksum}.pack`);
    writeFileSync(whole, pack);
    git(['index-pack', whole]);
    const listed = text('verify-pack', '-v', whole);
    expect(listed).toContain(base);
    // Without what was added it is not whole.
    writeFileSync(join(folder, 'thin.pack'), thin);
    expect(() => git(['index-pack', join(folder, 'thin.pack')])).toThrow();
    expect(missingBases(pack, readFileSync(whole.replace(/pack$/, 'idx')))).toEqual([]);
  });
});
