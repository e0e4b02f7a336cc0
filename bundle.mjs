// `npm run build`, after `nest build`: makes of each program in dist/ one file with all that it
// imports, and what V8 has compiled of it (docs/adr/0054-programs-are-bundled.md).
// src/config/bundle.ts reads what is written here.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { crc32 } from 'node:zlib';

const root = import.meta.dirname;
const dist = join(root, 'dist');
const folder = join(dist, 'bundles');
const manifest = join(folder, 'manifest.json');

/** Each names its module in its entry file: loadProgram('name', () => import('./module.js')). */
function programs() {
  const call = /loadProgram\(\s*'([\w-]+)',\s*\(\) => import\('(.+?)'\)/;
  // What an older version has left in dist/ is no program.
  const entries = readdirSync(join(root, 'src'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => name.replace(/\.ts$/, '.js'));
  return entries.flatMap((entry) => {
    const [, name, module] = call.exec(readFileSync(join(dist, entry), 'utf8')) ?? [];
    if (name === undefined) return [];
    if (`${name}.js` !== entry) throw new Error(`dist/${entry} loads the program ${name}`);
    return [{ name, module: join(dist, module) }];
  });
}

/** Addons, and what finds its addon by its own place. */
const FROM_NODE_MODULES = ['koffi', 'msgpackr-extract'];
/** Parts of Nest that it asks for in case they are installed. */
const NOT_INSTALLED = [
  '@nestjs/microservices',
  '@nestjs/websockets',
  '@fastify/static',
  'class-transformer/storage',
];
const OPTIONAL = NOT_INSTALLED.flatMap((name) => [name, `${name}/*`]);

/**
 * Packages that go by the place of their own file, or require what no text of theirs names: a bundle
 * has another place. Each was looked at before it came here; any other one fails the build.
 */
const LOOKED_AT = new Map([
  [
    '@nestjs/common/utils/load-package.util.js',
    'from node_modules, when no loader is given: Nest itself gives one',
  ],
  [
    '@nestjs/mapped-types/dist/type-helpers.utils.js',
    'requires what is in the bundle: see OWN_REQUIRE',
  ],
  [
    '@nestjs/swagger/dist/swagger-ui/swagger-ui.js',
    'finds swagger-ui-dist from the bundle as from its own place',
  ],
  ['@grpc/grpc-js/build/src/channelz.js', 'for servers of gRPC'],
  ['@grpc/grpc-js/build/src/orca.js', 'for servers of gRPC'],
  ['bullmq/dist/cjs/classes/worker.js', 'for processors in a file of their own'],
  ['bullmq/dist/cjs/postgres/sql-scripts.js', 'a comment'],
  ['commander/lib/command.js', 'for commands in files of their own'],
  ['dockerode/lib/buildkit.js', 'for BuildKit'],
  ['dockerode/lib/session.js', 'for BuildKit'],
  ['express/lib/view.js', 'for views'],
  ['ioredis/built/Command.js', 'for showFriendlyErrorStack'],
  ['mongoose/lib/stateMachine.js', 'a comment'],
  ['msgpackr/dist/node.cjs', 'msgpackr-extract, by this name'],
  ['pino/lib/transport.js', 'for transports, which are files'],
  ['ssh2/lib/agent.js', 'for Windows'],
  ['ssh2/lib/protocol/crypto/poly1305.js', 'has its WebAssembly in itself'],
  ['thread-stream/index.js', 'for transports of pino'],
]);
const BY_PLACE = new RegExp(
  [
    /\b(?:__dirname|__filename|import\.meta|createRequire|require\.resolve)\b/,
    /(?<![.\w])require\([^'"`)/]/,
  ]
    .map(({ source }) => source)
    .join('|'),
);
/** A require of its own, which esbuild does not follow. There would be a second class-validator. */
const OWN_REQUIRE = /^const require = createRequire\(import\.meta\.url\);$/m;

/**
 * A class with decorators, as tsc writes it, has a second name inside, by which nobody asks. esbuild
 * would give that one a number, and stack traces would have it.
 */
const INNER_NAME = /^(let (\w+) = class) \2 /gm;
const names = {
  name: 'names',
  setup({ onLoad }) {
    onLoad({ filter: new RegExp(`^${RegExp.escape(dist)}/.*\\.js$`) }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace(INNER_NAME, '$1 '),
    }));
  },
};

const places = {
  name: 'places',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /\.node$/ }, ({ path, resolveDir }) => ({
      path: relative(folder, resolve(resolveDir, path)),
      external: true,
    }));
    onLoad(
      { filter: /\/node_modules\/@nestjs\/mapped-types\/dist\/type-helpers\.utils\.js$/ },
      ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!OWN_REQUIRE.test(text)) throw new Error(`${path} has no require of its own any more`);
        return { contents: text.replace(OWN_REQUIRE, '') };
      },
    );
  },
};

async function bundle({ name, module }, build) {
  const file = join(folder, `${name}.cjs`);
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [module],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node24',
    // What is imported late is required late: a script imports nothing without a warning of Node's.
    supported: { 'dynamic-import': false },
    format: 'cjs',
    // As Node chooses them.
    conditions: [],
    // Nest, logs and documents go by names of classes.
    keepNames: true,
    external: [...FROM_NODE_MODULES, ...OPTIONAL],
    plugins: [places, names],
    define: { 'import.meta.url': 'bundleUrl' },
    banner: {
      js:
        '(function (exports, require, module, __filename, __dirname) {' +
        'const bundleUrl = require("node:url").pathToFileURL(__filename).href;',
    },
    footer: { js: '})' },
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'error',
  });
  const code = inAscii(outputFiles.find(({ path }) => path === file).text);
  const map = JSON.parse(outputFiles.find(({ path }) => path === `${file}.map`).text);
  const [{ inputs }] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint);
  const unknown = Object.keys(inputs).filter(goesByPlace);
  if (unknown.length > 0) {
    throw new Error(
      `These go by their own place, which bundle.mjs does not know of: ${unknown.join(', ')}`,
    );
  }
  writeFileSync(file, code);
  writeFileSync(join(folder, `${name}.lines`), lineTable(map.mappings));
  writeFileSync(
    join(folder, `${name}.sources.json`),
    JSON.stringify(map.sources.map((source) => relative(root, resolve(folder, source)))),
  );
  return { code: crc32(code) };
}

/**
 * V8 keeps ASCII in half the memory of anything else, and Node reads it without decoding. esbuild
 * has escaped texts and names; regular expressions and comments are left.
 */
function inAscii(code) {
  if (/\\[^\0-\x7f]|String\.raw`[^`]*[^\0-\x7f`]/.test(code))
    throw new Error('an escape would change what this means');
  const units = code.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return Buffer.from(units, 'latin1');
}

/** Keys of LOOKED_AT that were met in a bundle. */
const met = new Set();

function goesByPlace(input) {
  // Finds the folder above it, which is that of Millrace for a bundle, too.
  if (input === 'dist/config/paths.js') return false;
  if (!BY_PLACE.test(readFileSync(join(root, input), 'utf8'))) return false;
  const [, ofPackage] = /.*node_modules\/(.+)/.exec(input) ?? [];
  met.add(ofPackage);
  return !LOOKED_AT.has(ofPackage);
}

const DIGITS = new Map(
  [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].map((digit, at) => [
    digit,
    at,
  ]),
);

/** For each line of the bundle the source (from 1; 0: none) and line (from 1) that it begins in. */
function lineTable(mappings) {
  const lines = mappings.split(';');
  const table = Buffer.alloc(lines.length * 8);
  let source = 0;
  let line = 0;
  for (const [at, segments] of lines.entries()) {
    let isFirst = true;
    for (const segment of segments === '' ? [] : segments.split(',')) {
      const [, toSource, toLine] = vlq(segment);
      if (toSource === undefined) continue;
      source += toSource;
      line += toLine;
      if (isFirst) {
        table.writeUInt32LE(source + 1, at * 8);
        table.writeUInt32LE(line + 1, at * 8 + 4);
        isFirst = false;
      }
    }
  }
  return table;
}

function vlq(segment) {
  const numbers = [];
  let number = 0;
  let shift = 0;
  for (const digit of segment) {
    const bits = DIGITS.get(digit);
    number |= (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) === 0) {
      numbers.push(number & 1 ? -(number >> 1) : number >> 1);
      number = 0;
      shift = 0;
    }
  }
  return numbers;
}

/** By a process that runs this program and nothing else. */
function makeCache(name) {
  const args = [import.meta.filename, '--cache', name];
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error(`no cache of ${name}: ${error ?? `exit code ${status}`}`);
  return crc32(readFileSync(join(folder, `${name}.cache`)));
}

async function writeCache(name) {
  const { findBundle } = await import(join(dist, 'config/bundle.js'));
  const found = findBundle(dist, name);
  if (found === undefined)
    throw new Error(`The bundle of ${name} is another one by now: is another build under way?`);
  found.run();
  writeFileSync(join(folder, `${name}.cache`), found.cache());
}

function writeManifest(sums) {
  const text = JSON.stringify({
    modules: crc32(readFileSync(join(dist, '.tsbuildinfo'))),
    programs: sums,
  });
  writeFileSync(`${manifest}.new`, text);
  renameSync(`${manifest}.new`, manifest);
}

if (process.argv[2] === '--cache') {
  await writeCache(process.argv[3]);
  process.exit(0);
}
// Until the manifest is there again, whoever starts takes the modules.
rmSync(folder, { recursive: true, force: true });
// A package for each platform: one may not be there, or not be allowed to run.
const { build, transform } = await import('esbuild').catch(() => ({}));
const works = await Promise.try(() => transform('')).then(
  () => true,
  () => false,
);
if (!works) {
  process.stderr.write(
    'bundle.mjs: esbuild does not run here, so programs start from their modules\n',
  );
  process.exit(0);
}
mkdirSync(folder, { recursive: true });
const sums = {};
for (const program of programs()) sums[program.name] = await bundle(program, build);
const left = [...LOOKED_AT.keys()].filter((key) => !met.has(key));
if (left.length > 0)
  throw new Error(`bundle.mjs knows of what is in no bundle: ${left.join(', ')}`);
writeManifest(sums);
for (const name of Object.keys(sums)) sums[name].cache = makeCache(name);
writeManifest(sums);
