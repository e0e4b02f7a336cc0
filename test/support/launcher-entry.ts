import { transformFile } from '@swc/core';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const sources = resolve(__dirname, '../../src');
let built: Promise<string> | undefined;

/**
 * Path of a launcher entry made from the sources: the few files that it reaches are transpiled into a temporary folder, so that a test
 * needs no build. Once per test file.
 */
export function launcherEntry(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const target = await mkdtemp(join(tmpdir(), 'millrace-launcher-'));
  await writeFile(join(target, 'package.json'), '{"type":"module"}');
  const todo = new Set([join(sources, 'launcher.ts')]);
  for (const source of todo) {
    const { code } = await transformFile(source, {
      jsc: { target: 'es2022', parser: { syntax: 'typescript', decorators: true } },
      module: { type: 'es6' },
    });
    const file = join(target, relative(sources, source)).replace(/\.ts$/, '.js');
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, code);
    for (const [, path] of code.matchAll(/from ['"](\.[^'"]+)\.js['"]/g)) {
      todo.add(resolve(dirname(source), `${path}.ts`));
    }
  }
  return join(target, 'launcher.js');
}
