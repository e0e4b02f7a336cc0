import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { giveTree } from './give-tree.js';

const OWN = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, isShared: true };
/** What a folder of the owner alone has once it is shared with the group. */
const SHARED = 0o2770;
const NAME = 'n'.repeat(200);
/** 12,000 bytes: paths end at 4,096. */
const DEPTH = 60;

describe('giveTree', () => {
  const home = process.cwd();
  let top: string;
  beforeEach(() => (top = mkdtempSync(join(tmpdir(), 'mr-give-'))));
  afterEach(() => {
    process.chdir(home);
    execFileSync('rm', ['-rf', top]);
  });

  it('gives what lies deeper than any path of the system goes', () => {
    process.chdir(top);
    for (let depth = 0; depth < DEPTH; depth += 1) {
      mkdirSync(NAME, { mode: 0o700 });
      process.chdir(NAME);
    }
    writeFileSync('deepest', '', { mode: 0o600 });
    process.chdir(home);
    giveTree(top, OWN);
    expect(process.cwd()).toBe(home);
    process.chdir(top);
    for (let depth = 0; depth < DEPTH; depth += 1) process.chdir(NAME);
    expect(statSync('.').mode & 0o7777).toBe(SHARED);
    expect(statSync('deepest').mode & 0o777).toBe(0o660);
  });

  it('follows no link', () => {
    mkdirSync(join(top, 'inside'));
    mkdirSync(join(top, 'outside'), { mode: 0o700 });
    symlinkSync('../outside', join(top, 'inside/link'));
    giveTree(join(top, 'inside'), OWN);
    expect(statSync(join(top, 'outside')).mode & 0o7777).toBe(0o700);
  });
});
