import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  openDebianArchive,
  type ArchiveOptions,
  type DebianArchive,
} from '../debian/debian-archive.js';
import {
  libraryLayout,
  missingLibraries,
  pruneFolder,
  unpackPackages,
  wrapProgram,
  type LibraryLayout,
} from '../debian/debian-root.js';
import { EmbeddedError } from '../system/embedded.error.js';

/**
 * Major version of PostgreSQL; it names the data folder, which another major version could not
 * read.
 */
export const POSTGRES_MAJOR = '18';

/** Name of the component in the cache. Raise the last number when the recipe below changes. */
export const POSTGRES_COMPONENT = `postgres-${POSTGRES_MAJOR}-1`;

const PACKAGE = `postgresql-${POSTGRES_MAJOR}`;
const SEEDS = [
  PACKAGE,
  ...['documentdb', 'cron', 'pgvector', 'rum', 'postgis-3', 'postgis-3-scripts'].map(
    (name) => `${PACKAGE}-${name}`,
  ),
  // Lets initdb run as a user that no passwd file names (containers, directory services).
  'libnss-wrapper',
];

/**
 * What the server does not need to run; see ADR 0005 for how it was found, and the check that it
 * still holds.
 */
const CUTS = [
  /^libgdal/,
  /^postgresql-(common|client)/,
  /^perl/,
  /^libperl/,
  /^libllvm/,
  /^ssl-cert$/,
  /^debconf/,
  /^cdebconf/,
  /^tzdata/,
  /^locales/,
  /^libc-bin$/,
  /^gcc-\d+-base$/,
  /-data$/,
  /-common$/,
  /^libsfcgal/,
  /^adduser$/,
  /^openssl/,
  /^sysvinit/,
  /^lsb-base/,
  /^ucf$/,
  /^dpkg$/,
  /^netbase$/,
];

const MODULES = [
  'pg_cron',
  'pg_documentdb_core',
  'pg_documentdb',
  'pg_documentdb_extended_rum',
  'vector',
  'tsm_system_rows',
  'postgis-3',
  'plpgsql',
  'dict_snowball',
];

/** Paths in an installed component. */
export function postgresPaths(root: string): {
  readonly programs: string;
  readonly modules: string;
  readonly extensions: string;
} {
  const version = join(root, 'usr/lib/postgresql', POSTGRES_MAJOR);
  return {
    programs: join(version, 'bin'),
    modules: join(version, 'lib'),
    extensions: join(root, 'usr/share/postgresql', POSTGRES_MAJOR, 'extension'),
  };
}

/** Preloaded into initdb and the single-user server when their user must be named by a file. */
export function nssWrapperPath(root: string): string {
  const layout = libraryLayout(process.platform, process.arch);
  return join(root, 'usr/lib', layout.triplet, 'libnss_wrapper.so');
}

/**
 * Makes PostgreSQL with the DocumentDB extension in `root` (an empty folder): about 75 packages, 52
 * MB down, 122 MB on disk, 15 s. Nothing is installed into the system.
 */
export async function installPostgres(root: string, options: ArchiveOptions): Promise<void> {
  const layout = libraryLayout(process.platform, process.arch);
  const scratch = join(root, '.scratch');
  const archive = await openDebianArchive(join(scratch, 'apt'), options);
  await fill(root, archive, CUTS, layout, options);
  if ((await missing(root, layout)).length > 0) {
    options.progress('The short list of packages is not enough any more; fetching the full one');
    await pruneFolder(root, (name) => name !== '.scratch');
    await fill(root, archive, [/^libllvm/, /^perl/], layout, options);
  }
  const absent = await missing(root, layout);
  if (absent.length > 0) {
    throw new EmbeddedError(
      'verification_failed',
      `the database’s packages are not complete: ${absent.slice(0, 5).join('; ')}`,
      'Start again later (Debian’s archive may be in transition), or set MONGODB_URI.',
    );
  }
  await rm(scratch, { recursive: true, force: true });
}

async function fill(
  root: string,
  archive: DebianArchive,
  cuts: readonly RegExp[],
  layout: LibraryLayout,
  options: ArchiveOptions,
): Promise<void> {
  const names = await archive.closure(SEEDS, cuts);
  options.progress(
    `Fetching the embedded database (${String(names.length)} packages, about 52 MB)`,
  );
  const debs = await archive.download(names, join(root, '.scratch', `debs-${String(cuts.length)}`));
  options.progress('Unpacking the embedded database');
  await unpackPackages(root, debs, options);
  await prune(root);
  const { programs, modules, extensions } = postgresPaths(root);
  await wrapProgram(root, programs, 'postgres', layout, modules);
  await wrapProgram(root, programs, 'initdb', layout, modules);
  // Debian chooses between raster and plain PostGIS by an alternative link, which only dpkg would
  // make.
  await copyFile(join(extensions, 'postgis-3.control'), join(extensions, 'postgis.control'));
}

async function prune(root: string): Promise<void> {
  const { programs, modules, extensions } = postgresPaths(root);
  const spatial = /^(postgis_(tiger|topology|raster|sfcgal)|address_standard)/;
  await pruneFolder(programs, (name) => name !== 'postgres' && name !== 'initdb');
  await pruneFolder(modules, (name) => spatial.test(name));
  await pruneFolder(
    extensions,
    (name) => spatial.test(name) || /^postgis--(ANY|unpackaged)/.test(name),
  );
  await pruneFolder(join(extensions, '..'), (name) => name === 'contrib');
  await pruneFolder(join(root, 'usr/share'), (name) => name === 'gcc' || name === 'gdb');
  await pruneFolder(join(root, 'usr'), (name) => /^s?bin$|^games$/.test(name));
}

async function missing(root: string, layout: LibraryLayout): Promise<readonly string[]> {
  const { modules } = postgresPaths(root);
  const elf = join(modules, '../elf');
  const files = [
    join(elf, 'postgres'),
    join(elf, 'initdb'),
    ...MODULES.map((name) => join(modules, `${name}.so`)),
  ];
  return missingLibraries(root, files, layout, modules);
}
