import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MERGE_IN } from './folder-scripts.js';
import { mergeProblem } from './merge-problem.js';

describe('mergeProblem', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-merge-'));
    for (const name of ['from', 'to']) await mkdir(join(root, name));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  /** What is said when the program itself refuses. */
  function merge(): string {
    const [from, to] = [join(root, 'from'), join(root, 'to')];
    try {
      execFileSync('/bin/sh', ['-c', MERGE_IN, 'sh', from, to], {
        stdio: 'pipe',
        env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      });
    } catch (error) {
      return mergeProblem((error as { stderr: Buffer }).stderr.toString(), from);
    }
    return 'merged';
  }

  it('names what is there, and what is brought in its place', async () => {
    await mkdir(join(root, 'from/a/d'), { recursive: true });
    await mkdir(join(root, 'to/a'));
    await writeFile(join(root, 'to/a/d'), '');
    expect(merge()).toBe('"a/d" is a file in the workspace, and a folder in what is brought');
    await rm(join(root, 'from/a/d'), { recursive: true });
    expect(merge()).toBe('merged');
    await writeFile(join(root, 'from/f'), '');
    await mkdir(join(root, 'to/f'));
    expect(merge()).toBe('"f" is a folder in the workspace, and a file in what is brought');
  });

  it('names no folder of the server', () => {
    expect(
      mergeProblem("cp: cannot create hard link './x' to '/in/tree/./x': No space\n", '/in/tree'),
    ).toBe("cannot create hard link './x' to 'x': No space");
    expect(mergeProblem('', '/in')).toBe('');
  });
});
