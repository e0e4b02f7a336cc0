import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WrittenTerminal } from '../../../test/support/written-text.js';
import { runProgram } from '../program.js';

describe('millrace detect', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'millrace-detect-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  async function detect(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const written = new WrittenTerminal();
    const code = await runProgram(['node', 'millrace', 'detect', ...words], written.terminal);
    return { code, out: written.out, err: written.err };
  }

  it('says what a folder holds, from which file, and why', async () => {
    await writeFile(join(root, 'go.mod'), 'module example.com/shop\n\ngo 1.24\n');
    await writeFile(join(root, 'main.go'), 'package main\n');
    const { code, out } = await detect(root);
    expect(code).toBe(0);
    expect(out).toMatch(/^detected: go: /);
    expect(out).toMatch(/^runtime version +1\.24 +go\.mod:3$/m);
    expect(out).toMatch(/^start command +bin\/shop +main\.go:1$/m);
    expect(out).toMatch(/^ +0\.70 +go\.mod is the manifest of a Go module +go\.mod:1$/m);
  });

  it('reads what stands above a folder, up to the top of the checkout', async () => {
    const web = join(root, 'top/apps/web');
    await mkdir(web, { recursive: true });
    await writeFile(join(root, '.nvmrc'), '18');
    await mkdir(join(root, 'top/.git'));
    await writeFile(join(root, 'top/yarn.lock'), '');
    await writeFile(join(web, 'package.json'), '{ "dependencies": { "next": "15" } }');
    const { code, out } = await detect(web, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ...{ folder: 'apps/web', outcome: 'detected' },
      project: {
        ...{ type: 'node', framework: 'next' },
        facts: {
          package_manager: { state: 'known', value: 'yarn', source: { file: 'yarn.lock' } },
          runtime_version: { state: 'unknown' },
        },
      },
    });
  });

  it('ends with 1 where nobody can tell, and takes what a person says', async () => {
    await writeFile(join(root, 'notes.txt'), '');
    expect(await detect(root)).toMatchObject({
      ...{ code: 1, out: expect.stringMatching(/^unknown: No file/) },
    });
    await writeFile(join(root, 'index.html'), '');
    await writeFile(join(root, 'Dockerfile'), 'FROM scratch\nCMD ["/a"]\n');
    expect((await detect(root)).out).toMatch(/^detected: static: /);
    expect((await detect(root, '--type', 'docker')).out).toMatch(/^detected: docker was chosen/);
  });

  it('shows nothing that a terminal would obey', async () => {
    await writeFile(join(root, 'Procfile'), 'web: run \u001b[2J\n');
    await writeFile(join(root, 'Gemfile'), "gem 'rails'\n");
    expect((await detect(root)).out).not.toContain('\u001b');
    expect((await detect(root, '--json')).out).not.toContain('\u001b');
  });

  it('asks for a folder', async () => {
    await writeFile(join(root, 'file'), '');
    expect(await detect(join(root, 'none'))).toMatchObject({ code: 2 });
    expect((await detect(join(root, 'file'))).err).toContain('is no folder');
    for (const words of [
      [root, '--repository', 'https://git.test/a.git'],
      [root, '--branch', 'main'],
      ['--server', 'http://127.0.0.1:9'],
    ]) {
      expect(await detect(...words)).toMatchObject({ code: 2 });
    }
    expect(await detect('--type', 'cobol')).toMatchObject({ code: 2 });
  });
});
