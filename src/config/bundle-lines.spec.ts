import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mapStacks } from './bundle-lines.js';
import { packageRoot } from './paths.js';

let folder: string;
const print = Error.prepareStackTrace;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lines-'));
});
afterEach(() => {
  Error.prepareStackTrace = print;
  rmSync(folder, { recursive: true });
});

/** Three lines: of the bundle itself, of a source, of a package. */
function write(): void {
  writeFileSync(
    join(folder, 'x.sources.json'),
    JSON.stringify(['src/a.ts', 'node_modules/p/b.js']),
  );
  const table = new Uint32Array([0, 0, 1, 7, 2, 9]);
  writeFileSync(join(folder, 'x.lines'), Buffer.from(table.buffer));
}

function traceOf(...places: readonly string[]): string | undefined {
  const bundle = join(folder, 'x.cjs');
  Error.prepareStackTrace = () =>
    ['Error: no', ...places.map((place) => `at f (${bundle}:${place})`)].join('\n');
  mapStacks(bundle);
  return new Error('no').stack?.replaceAll(bundle, 'x.cjs').replaceAll(packageRoot(), '');
}

it('names files and lines of sources', () => {
  write();
  expect(traceOf('2:31', '3:1', '1:5')).toBe(
    'Error: no\nat f (/src/a.ts:7)\nat f (/node_modules/p/b.js:9)\nat f (x.cjs:1:5)',
  );
});

it('leaves a trace as it is without the tables', () => {
  expect(traceOf('2:31')).toBe('Error: no\nat f (x.cjs:2:31)');
});

it('leaves a trace as it is that is older than the tables', () => {
  write();
  const bundle = join(folder, 'x.cjs');
  Error.prepareStackTrace = () => `Error: no\nat f (${bundle}:2:31)`;
  mapStacks(bundle);
  utimesSync(join(folder, 'x.lines'), 1, 1);
  expect(new Error('no').stack).toBe(`Error: no\nat f (${bundle}:2:31)`);
});

it('leaves a line as it is that no table has', () => {
  write();
  expect(traceOf('400:3')).toBe('Error: no\nat f (x.cjs:400:3)');
});
