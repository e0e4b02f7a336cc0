import { transformFile } from '@swc/core';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const sources = resolve(__dirname, '../../src');
const built = new Map<string, Promise<string>>();

/** Path of a launcher entry made from the sources; see `transpiled`. */
export function launcherEntry(): Promise<string> {
  return transpiled('launcher.ts');
}

/**
 * A file under `src/` as plain JavaScript that `node` can run or import, with the files that it reaches by relative imports, in a
 * temporary folder: a test that starts a small program of ours needs no build. Once per test file and entry.
 */
export function transpiled(entry: string): Promise<string> {
  const known = built.get(entry) ?? build(entry);
  built.set(entry, known);
  return known;
}

async function build(entry: string): Promise<string> {
  const target = await mkdtemp(join(tmpdir(), 'millrace-transpiled-'));
  await writeFile(join(target, 'package.json'), '{"type":"module"}');
  const todo = new Set([join(sources, entry)]);
  for (const source of todo) {
    const { code } = await transformFile(source, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
      module: { type: 'es6' },
    });
    const file = join(target, jsName(relative(sources, source)));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, code);
    for (const [, path] of code.matchAll(/from ['"](\.[^'"]+)\.js['"]/g)) {
      todo.add(resolve(dirname(source), `${path}.ts`));
    }
  }
  return join(target, jsName(entry));
}

function jsName(path: string): string {
  return path.replace(/\.ts$/, '.js');
}
