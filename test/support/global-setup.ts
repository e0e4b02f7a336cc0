import { existsSync } from 'node:fs';
import Module from 'node:module';
import { dirname, resolve } from 'node:path';

type Resolve = (request: string, parent?: { filename?: string }, ...rest: unknown[]) => string;

/**
 * Jest transforms its global set-up but resolves the set-up's imports by Node alone, without
 * `moduleNameMapper`: there `./x.js` that is written as `x.ts` is not found. This teaches Node the
 * same rule.
 */
function resolveTypeScript(): void {
  const loader = Module as unknown as { _resolveFilename: Resolve };
  const original = loader._resolveFilename;
  loader._resolveFilename = (request, parent, ...rest) => {
    if (/^\.{1,2}\/.*\.js$/.test(request) && parent?.filename !== undefined) {
      const source = resolve(dirname(parent.filename), request.replace(/\.js$/, '.ts'));
      if (existsSync(source)) return original(source, parent, ...rest);
    }
    return original(request, parent, ...rest);
  };
}

/** Jest calls it once per run that has a test in need of services. */
export default async function globalSetup(): Promise<void> {
  resolveTypeScript();
  const { startForRun } = await import('./throwaway-services.js');
  await startForRun();
}
