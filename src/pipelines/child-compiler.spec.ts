import { writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transpileEntry, type TranspiledEntry } from '../../test/support/transpile-entry.js';
import { ChildCompiler } from './child-compiler.js';
import { compileSource } from './compile-source.js';

let entry: TranspiledEntry;
let folder: string;
beforeAll(() => {
  entry = transpileEntry('src/pipelines/compile-child.ts');
  folder = mkdtempSync(join(tmpdir(), 'millrace-child-'));
});
afterAll(() => {
  entry.remove();
  rmSync(folder, { recursive: true });
});

/** A program in place of the compiler. */
function program(code: string): string {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(file, code);
  return file;
}

const yaml = `name: large\nsteps:\n  - run: "true"\n${'# comment\n'.repeat(20_000)}`;

describe('ChildCompiler', () => {
  it('answers what the compiler answers, also for many at once', async () => {
    const compiler = new ChildCompiler({ program: entry.path, timeoutMs: 20_000 });
    const bad = 'name: x\nstagess: []\n';
    const results = await Promise.all([yaml, bad, yaml, bad].map((text) => compiler.compile(text)));
    expect(results[0]).toEqual(compileSource(yaml));
    expect(results[0]?.kind).toBe('valid');
    expect(results[1]).toEqual(compileSource(bad));
    expect(results.map((each) => each.kind)).toEqual(['valid', 'invalid', 'valid', 'invalid']);
  });

  it.each([
    ['hangs', 'for (;;);'],
    ['dies', 'process.abort();'],
    ['eats memory', 'const a = []; for (;;) a.push(new Array(1e6).fill(a.length));'],
    ['answers without end', "for (;;) (await import('node:fs')).writeSync(1, 'x'.repeat(1e6));"],
  ])('refuses what makes the child fail: it %s', async (_name, code) => {
    const compiler = new ChildCompiler({ program: program(code), timeoutMs: 1_500 });
    await expect(compiler.compile(yaml)).rejects.toMatchObject({ kind: 'UnprocessableError' });
  });

  it('lets some wait and refuses the rest', async () => {
    const slow = "process.stdin.resume().on('end', () => setTimeout(() => console.log('{}'), 50));";
    const compiler = new ChildCompiler({ program: program(slow), timeoutMs: 20_000 });
    const asked = Array.from({ length: 20 }, () => compiler.compile('a'));
    const outcomes = await Promise.allSettled(asked);
    const refused = outcomes.filter((each) => each.status === 'rejected');
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({ reason: { kind: 'ServiceUnavailableError' } });
    await expect(compiler.compile('a')).resolves.toEqual({});
  });
});
