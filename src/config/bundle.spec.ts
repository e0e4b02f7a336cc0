import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { transpileEntry } from '../../test/support/transpile-entry.js';
import { type BundleManifest, findBundle } from './bundle.js';

const CODE = `(function (exports, require, module, __filename, __dirname) {
  function twice(n) { return n + n; }
  module.exports = { four: twice(2), join: require('node:path').join, __filename, __dirname };
})`;

let dist: string;
const at = (name: string): string => join(dist, 'bundles', name);

/** As `bundle.mjs` does it. */
function build(): void {
  mkdirSync(join(dist, 'bundles'));
  writeFileSync(join(dist, '.tsbuildinfo'), '{"version":1}');
  writeFileSync(at('x.cjs'), CODE);
  const modules = crc32('{"version":1}');
  const write = (manifest: BundleManifest): void =>
    writeFileSync(at('manifest.json'), JSON.stringify(manifest));
  write({ modules, programs: { x: { code: crc32(CODE) } } });
  const bundle = findBundle(dist, 'x');
  bundle?.run();
  const cache = bundle?.cache() ?? Buffer.alloc(0);
  writeFileSync(at('x.cache'), cache);
  write({ modules, programs: { x: { code: crc32(CODE), cache: crc32(cache) } } });
}

beforeEach(() => {
  dist = mkdtempSync(join(tmpdir(), 'millrace-bundle-'));
  build();
});
afterEach(() => rmSync(dist, { recursive: true }));

it('runs a bundle by its cache', () => {
  const bundle = findBundle(dist, 'x');
  expect(bundle?.isCached).toBe(true);
  expect(bundle?.run()).toMatchObject({
    ...{ four: 4, join },
    ...{ __filename: at('x.cjs'), __dirname: join(dist, 'bundles') },
  });
});

it.each([
  ['damaged in its head', 4],
  ['damaged behind it', 200],
])('runs without a cache that is %s', (_what, place) => {
  const cache = readFileSync(at('x.cache'));
  cache.writeUInt8(cache.readUInt8(place) ^ 1, place);
  writeFileSync(at('x.cache'), cache);
  const bundle = findBundle(dist, 'x');
  expect(bundle?.isCached).toBe(false);
  expect(bundle?.run()).toMatchObject({ four: 4 });
});

/** Whether V8 took the cache, and what the bundle exports. */
function inNewProcess(): string {
  const entry = transpileEntry('src/config/bundle.ts');
  const script = `const { findBundle } = await import(process.argv[1]);
    const bundle = findBundle(process.argv[2], 'x');
    process.stdout.write(bundle.isCached + ' ' + bundle.run().four);`;
  try {
    const args = ['--input-type=module', '--eval', script, entry.path, dist];
    return execFileSync(process.execPath, args, { encoding: 'utf8' });
  } finally {
    entry.remove();
  }
}

it('runs by its cache in a new process', () => {
  expect(inNewProcess()).toBe('true 4');
});

it('runs without a cache of another version of V8', () => {
  const cache = readFileSync(at('x.cache'));
  cache.writeUInt8(cache.readUInt8(4) ^ 1, 4);
  writeFileSync(at('x.cache'), cache);
  const manifest = JSON.parse(readFileSync(at('manifest.json'), 'utf8')) as BundleManifest;
  const programs = { x: { code: crc32(CODE), cache: crc32(cache) } };
  writeFileSync(at('manifest.json'), JSON.stringify({ ...manifest, programs }));
  // In this process V8 knows the code already, and looks into no cache.
  expect(inNewProcess()).toBe('false 4');
});

it.each(['shorter', 'gone'])('runs without a cache that is %s', (what) => {
  if (what === 'gone') rmSync(at('x.cache'));
  else writeFileSync(at('x.cache'), '');
  expect(findBundle(dist, 'x')?.run()).toMatchObject({ four: 4 });
});

it.each([
  ['modules were compiled after it was made', '../.tsbuildinfo'],
  ['its code is damaged', 'x.cjs'],
  ['half of the manifest was written', 'manifest.json'],
])('is none when %s', (_what, file) => {
  appendFileSync(at(file), ' {');
  expect(findBundle(dist, 'x')).toBeUndefined();
});

it.each(['../.tsbuildinfo', 'x.cjs', 'manifest.json'])('is none without %s', (file) => {
  rmSync(at(file));
  expect(findBundle(dist, 'x')).toBeUndefined();
});

it('is none of a program that has none', () => {
  expect(findBundle(dist, 'y')).toBeUndefined();
});
