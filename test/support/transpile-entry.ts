import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { openTmpdir } from './open-tmpdir.js';
import { dirname, join, relative, resolve } from 'node:path';
import { transformSync } from '@swc/core';

/** A TypeScript entry file made runnable by plain node, without a build. */
export interface TranspiledEntry {
  /** The JavaScript file to start. */
  readonly path: string;
  remove(): void;
}

/**
 * Transpiles an entry file of `src/` and everything that it imports by a relative path, as ESM,
 * into a temporary folder that sees the project's `node_modules`. For tests of code that starts
 * child processes.
 */
export function transpileEntry(entry: string): TranspiledEntry {
  const root = resolve(__dirname, '../..');
  const out = mkdtempSync(join(openTmpdir(), 'millrace-entry-'));
  symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'));
  writeFileSync(join(out, 'package.json'), '{"type":"module"}');
  const done = new Set<string>();
  const visit = (file: string): void => {
    if (done.has(file)) return;
    done.add(file);
    const { code } = transformSync(readFileSync(file, 'utf8'), {
      filename: file,
      swcrc: false,
      configFile: false,
      jsc: {
        target: 'es2024',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
      module: { type: 'es6' },
    });
    const target = join(out, relative(root, file)).replace(/\.ts$/, '.js');
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
    for (const [, specifier] of code.matchAll(
      /(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g,
    )) {
      if (specifier) visit(resolve(dirname(file), specifier.replace(/\.js$/, '.ts')));
    }
  };
  const absolute = resolve(root, entry);
  visit(absolute);
  return {
    path: join(out, relative(root, absolute)).replace(/\.ts$/, '.js'),
    remove: () => rmSync(out, { recursive: true, force: true }),
  };
}
