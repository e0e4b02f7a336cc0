import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** What the build says of its bundles (`bundle.mjs`); all numbers are CRC-32. */
export interface BundleManifest {
  /** Of the compiler's own record of the modules that the bundles were made of. */
  readonly modules: number;
  readonly programs: Readonly<Record<string, BundleSums>>;
}

export interface BundleSums {
  readonly code: number;
  /** Absent while the cache is being made. */
  readonly cache?: number;
}

type BundleFunction = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  folder: string,
) => void;

/** One program with all that it imports, in one file, compiled. */
export class Bundle {
  constructor(
    readonly file: string,
    private readonly script: Script,
  ) {}

  /** Runs it. Gives back what it exports. */
  run(): object {
    const { file } = this;
    const module = { exports: {} };
    const main = this.script.runInThisContext() as BundleFunction;
    main(module.exports, createRequire(file), module, file, dirname(file));
    return module.exports;
  }

  /** V8 took what it has kept of an earlier run, and so compiles little. */
  get isCached(): boolean {
    return this.script.cachedDataRejected === false;
  }

  /** All that V8 has compiled of it so far, for the next process. */
  cache(): Buffer {
    return this.script.createCachedData();
  }
}

/**
 * The bundle of a program; undefined where there is none of the modules that are there now, or
 * where it is damaged. Without its cache, or with one of another V8, it only takes longer.
 *
 * @param dist the folder of all that was built
 */
export function findBundle(dist: string, name: string): Bundle | undefined {
  const folder = join(dist, 'bundles');
  const manifest = readManifest(join(folder, 'manifest.json'));
  const sums = manifest?.programs[name];
  if (manifest === undefined || sums === undefined) return undefined;
  // `nest build` alone makes other modules and no bundles.
  if (readIntact(join(dist, '.tsbuildinfo'), manifest.modules) === undefined) return undefined;
  const file = join(folder, `${name}.cjs`);
  const code = readIntact(file, sums.code)?.toString('latin1');
  if (code === undefined) return undefined;
  // V8 tells one of another version by itself, but takes a damaged one for what it says.
  const cachedData = readIntact(join(folder, `${name}.cache`), sums.cache);
  return new Bundle(file, new Script(code, { filename: file, cachedData }));
}

function readManifest(file: string): BundleManifest | undefined {
  const text = readIfThere(file)?.toString('utf8');
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as BundleManifest;
  } catch {
    return undefined; // Half of it was written.
  }
}

/** The bytes of a file with this CRC-32. */
function readIntact(file: string, sum: number | undefined): Buffer | undefined {
  const bytes = sum === undefined ? undefined : readIfThere(file);
  return bytes !== undefined && crc32(bytes) === sum ? bytes : undefined;
}

/** Whatever keeps it from being read, the modules are there all the same. */
function readIfThere(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}
