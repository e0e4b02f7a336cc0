import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { transpileEntry, type TranspiledEntry } from '../../test/support/transpile-entry.js';
import { FolderDetector } from './folder-detector.js';

const NEVER = new AbortController().signal;
const LIMITS = { timeoutMs: 60_000, maxHeapMib: 256 };

describe('a folder that is detected in a process of its own', () => {
  let entry: TranspiledEntry;
  let root: string;
  const detector = new FolderDetector();

  beforeAll(async () => {
    Logger.overrideLogger(false);
    entry = transpileEntry('src/detect-child.ts');
    root = await mkdtemp(join(tmpdir(), 'millrace-folder-'));
    await writeFile(join(root, 'go.mod'), 'module example.com/shop\n');
    await writeFile(join(root, 'main.go'), 'package main\n');
    await writeFile(join(root, 'endless.mjs'), 'for (;;);');
    await writeFile(join(root, 'hungry.mjs'), 'const all = []; for (;;) all.push([all.length]);');
    await writeFile(join(root, 'broken.mjs'), 'throw new TypeError("a defect");');
    await writeFile(
      join(root, 'environment.mjs'),
      'process.stdout.write(JSON.stringify(Object.keys(process.env)));',
    );
    await writeFile(join(root, 'large.mjs'), 'process.stdout.write("x".repeat(5_000_000));');
  });
  afterAll(async () => {
    entry.remove();
    await rm(root, { recursive: true });
  });

  it('is told as the command line tells it', async () => {
    const limits = { ...LIMITS, program: entry.path };
    expect(await detector.detect({ root }, NEVER, limits)).toMatchObject({
      ...{ kind: 'detection', detection: { outcome: 'detected', project: { type: 'go' } } },
    });
    expect(await detector.detect({ root, type: 'rust' }, NEVER, limits)).toMatchObject({
      detection: { outcome: 'unknown' },
    });
    expect(await detector.detect({ root, path: 'none' }, NEVER, limits)).toMatchObject({
      ...{ kind: 'problem', problem: { code: 'no_such_folder' } },
    });
  });

  it.each([
    ['too much time', 'endless.mjs', { timeoutMs: 500 }],
    ['too much memory', 'hungry.mjs', { maxHeapMib: 20 }],
    ['too much to say', 'large.mjs', {}],
  ])('is too complex when it takes %s', async (_what, program, limit) => {
    const limits = { ...LIMITS, ...limit, program: join(root, program) };
    expect(await detector.detect({ root }, NEVER, limits)).toMatchObject({
      ...{ kind: 'problem', problem: { code: 'too_complex' } },
    });
  });

  it('is detected by a process that has nothing of the environment of the server', async () => {
    process.env.OF_THE_SERVER = 'secret';
    try {
      const limits = { ...LIMITS, program: join(root, 'environment.mjs') };
      expect(await detector.detect({ root }, NEVER, limits)).toEqual([]);
    } finally {
      delete process.env.OF_THE_SERVER;
    }
  });

  it('is a defect of ours when the process ends with one', async () => {
    const limits = { ...LIMITS, program: join(root, 'broken.mjs') };
    const said = jest.spyOn(Logger.prototype, 'error');
    expect(await detector.detect({ root }, NEVER, limits)).toMatchObject({
      ...{ kind: 'problem', problem: { code: 'failed' } },
    });
    const logged = { code: 1, why: 'TypeError: a defect' };
    expect(said).toHaveBeenCalledWith(logged, expect.any(String));
  });

  it('ends when the server stops', async () => {
    const stop = new AbortController();
    const limits = { ...LIMITS, program: join(root, 'endless.mjs') };
    const asked = detector.detect({ root }, stop.signal, limits);
    stop.abort();
    expect(await asked).toMatchObject({ problem: { code: 'git_aborted' } });
  });
});
