import { writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { transpileEntry, type TranspiledEntry } from '../../../test/support/transpile-entry.js';
import { ChildCompiler, type ChildCompilerOptions } from './child-compiler.js';
import { compileSource } from './compile-source.js';
import { dryRun } from './dry-run.js';

let entry: TranspiledEntry;
let folder: string;
beforeAll(() => {
  entry = transpileEntry('src/compile-child.ts');
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
const bad = 'name: x\nstagess: []\n';
const compilers: ChildCompiler[] = [];
afterEach(() => {
  for (const each of compilers.splice(0)) each.close();
});

function compilerOf(options: ChildCompilerOptions): ChildCompiler {
  const compiler = new ChildCompiler(options);
  compilers.push(compiler);
  return compiler;
}

/** Answers each text as its first letter tells: `h` never, all others at once. */
const obedient = `
  let rest = Buffer.alloc(0);
  process.stdin.on('data', (part) => {
    rest = Buffer.concat([rest, part]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE(0)) {
      const text = rest.toString('utf8', 4, 4 + rest.readUInt32BE(0));
      rest = rest.subarray(4 + text.length);
      const body = Buffer.from(JSON.stringify({ pid: process.pid, size: text.length }));
      const head = Buffer.alloc(4);
      head.writeUInt32BE(body.length);
      const answer = () => process.stdout.write(Buffer.concat([head, body]));
      if (text[0] !== 'h') answer();
    }
  });`;

describe('ChildCompiler', () => {
  it('answers what the compiler answers, also for many at once', async () => {
    const compiler = compilerOf({ program: entry.path, timeoutMs: 20_000 });
    const texts = [yaml, bad, yaml, bad, '', '\ufeffname: ü ☃\n', '[['];
    const results = await Promise.all(texts.map((text) => compiler.compile(text)));
    expect(results).toEqual(texts.map((text) => compileSource(text)));
    expect(results[0]?.kind).toBe('valid');
  });

  it('uses a process again, replaces it after 1 MiB, and ends it when there is nothing to do', async () => {
    const options = { program: program(obedient), timeoutMs: 20_000, idleMs: 400 };
    const compiler = compilerOf(options);
    const pidOf = async (text: string): Promise<number> =>
      ((await compiler.compile(text)) as unknown as { pid: number }).pid;
    const first = await pidOf('a');
    expect(await pidOf('a'.repeat(1024 * 1024))).toBe(first);
    const second = await pidOf('a');
    expect(second).not.toBe(first);
    expect(compiler.warm).toBe(true);
    await eventually(() => !compiler.warm || undefined);
    await eventually(() => !isAlive(second) || undefined);
  });

  it('makes dry runs too', async () => {
    const compiler = compilerOf({ program: entry.path, timeoutMs: 20_000 });
    const request = {
      source: { kind: 'yaml', yaml },
      trigger: { event: 'push', branch: 'main', environment: {}, inputs: {} },
    } as const;
    expect(await compiler.dryRun(request)).toEqual(dryRun(request));
    // No text passes for one.
    const text = `\xff${JSON.stringify(request)}`;
    expect(await compiler.compile(text)).toEqual(compileSource(text));
  });

  it.each([
    ['hangs', 'for (;;);'],
    ['dies', 'process.abort();'],
    ['eats memory', 'const a = []; for (;;) a.push(new Array(1e6).fill(a.length));'],
    ['answers without end', "for (;;) (await import('node:fs')).writeSync(1, 'x'.repeat(1e6));"],
    ['answers nonsense', 'process.stdout.write(Buffer.from([0, 0, 0, 1, 120]));'],
  ])(
    'refuses what makes the process fail: it %s',
    async (_name, code) => {
      // However little time the machine has for it.
      const limits = { timeoutMs: 1_500, starvedMs: 120_000 };
      const compiler = compilerOf({ program: program(code), ...limits });
      const refusal = { kind: 'UnprocessableError' };
      await expect(compiler.compile(yaml)).rejects.toMatchObject(refusal);
      await expect(compiler.compile(yaml)).rejects.toMatchObject(refusal);
    },
    120_000,
  );

  it('does not call a text complex that the machine had no time for', async () => {
    const compiler = compilerOf({ program: program(obedient), timeoutMs: 100 });
    await expect(compiler.compile('h')).rejects.toMatchObject({ kind: 'ServiceUnavailableError' });
    // An answer that is late, but comes, is an answer.
    const slow = program(obedient.replace('answer();', 'setTimeout(answer, 250);'));
    const patient = compilerOf({ program: slow, timeoutMs: 200 });
    expect(await patient.compile('a')).toMatchObject({ size: 1 });
  });

  it('lets 4 Mi characters wait and refuses the largest of more', async () => {
    const compiler = compilerOf({ program: program(obedient), timeoutMs: 20_000 });
    const asked = Array.from({ length: 40 }, (_each, index) =>
      compiler.compile('a'.repeat(200_000 - index)),
    );
    const outcomes = await Promise.allSettled(asked);
    const answered = outcomes.flatMap((each, index) =>
      each.status === 'fulfilled' ? [index] : [],
    );
    // The first one started at once; of the rest the twenty smallest fit.
    expect(answered).toEqual([0, ...Array.from({ length: 20 }, (_each, index) => 20 + index)]);
    expect(outcomes[1]).toMatchObject({
      reason: { kind: 'ServiceUnavailableError', retryAfterSeconds: 5 },
    });
  }, 30_000);

  it('lets hundreds of small texts wait', async () => {
    const compiler = compilerOf({ program: program(obedient), timeoutMs: 20_000 });
    const asked = Array.from({ length: 600 }, () => compiler.compile('a'));
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(502);
  }, 30_000);

  it('keeps no small text waiting for large ones that hang', async () => {
    const options = { program: program(obedient), timeoutMs: 60_000, patienceMs: 60_000 };
    const compiler = compilerOf(options);
    const texts = Array.from({ length: 30 }, () => 'h'.repeat(100_000));
    const hostile = Promise.allSettled(texts.map((text) => compiler.compile(text)));
    await Promise.all(Array.from({ length: 10 }, () => compiler.compile('a')));
    compiler.close();
    const outcomes = await hostile;
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
  });

  it('refuses what waits too long', async () => {
    const options = { program: program(obedient), timeoutMs: 60_000, patienceMs: 100 };
    const compiler = compilerOf(options);
    const asked = [1, 2, 3].map(() => compiler.compile('h'));
    await expect(asked[2]).rejects.toMatchObject({ kind: 'ServiceUnavailableError' });
    compiler.close();
    await Promise.allSettled(asked);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
