import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { openDebianArchive, type ArchiveOptions } from '../debian/debian-archive.js';
import { unpackPackages } from '../debian/debian-root.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { findProgram } from '../system/find-program.js';
import { runCommand } from '../system/run-command.js';

/** A program that Go builds from a module. */
export interface GoRecipe {
  /** Package and version, as `go install` takes them. */
  readonly module: string;
  /** Name of the program, the last part of the package's path. */
  readonly program: string;
  /** What it is, for people: "the database gateway (FerretDB)". */
  readonly title: string;
  /** Go that its go.mod asks for at least. */
  readonly oldestGo: readonly [major: number, minor: number];
  /** How long the build takes, and what to free for it. */
  readonly takes: string;
  readonly diskNeeded: string;
  /** What one can do without the build: "set MONGODB_URI to a MongoDB server". */
  readonly otherwise?: string | undefined;
}

/** The package of the Debian archive that brings a Go where this machine has none. */
const GO_PACKAGE = 'golang-1.26';

export interface GoBuildOptions extends ArchiveOptions {
  readonly ignoreInstalledGo?: boolean;
}

/**
 * Builds the program of a recipe into `root` (an empty folder), with the Go of this machine when it
 * is new enough, else with one that is fetched for this and removed after. Sources come through the
 * Go module proxy and are checked against its checksum database.
 *
 * @throws EmbeddedError `disk_full`, `network_unreachable`, `build_failed`, and those of the
 *   archive
 */
export async function installGoProgram(
  root: string,
  recipe: GoRecipe,
  options: GoBuildOptions,
): Promise<void> {
  const scratch = join(root, '.scratch');
  await mkdir(join(scratch, 'tmp'), { recursive: true });
  const installed =
    options.ignoreInstalledGo === true ? undefined : await installedGo(recipe, options.env);
  const go = installed ?? (await fetchGo(scratch, recipe, options));
  options.progress(`Building ${recipe.title}; once, ${recipe.takes}`);
  const started = Date.now();
  const tick = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    options.progress(`Still building ${recipe.title} (${String(seconds)} s)`);
  }, 20_000);
  try {
    const args = ['install', '-trimpath', '-ldflags', '-s -w', recipe.module];
    const result = await runCommand(go.program, args, {
      env: { ...options.env, ...go.env, ...buildEnvironment(scratch) },
      cwd: scratch,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (result.code !== 0) throw buildError(recipe, result.stderr);
  } finally {
    clearInterval(tick);
  }
  const program = join(root, recipe.program);
  await rename(join(scratch, 'bin', recipe.program), program);
  await chmod(program, 0o755);
  await rm(scratch, { recursive: true, force: true });
}

function buildEnvironment(scratch: string): Environment {
  return {
    GOBIN: join(scratch, 'bin'),
    GOPATH: join(scratch, 'path'),
    GOCACHE: join(scratch, 'cache'),
    GOMODCACHE: join(scratch, 'path/pkg/mod'),
    GOTMPDIR: join(scratch, 'tmp'),
    // Never lets Go fetch another Go; a cache that is read-only could not be removed.
    GOTOOLCHAIN: 'local',
    GOFLAGS: '-modcacherw',
    GOWORK: 'off',
    GOOS: undefined,
    GOARCH: undefined,
    CGO_ENABLED: '0',
  };
}

interface GoCompiler {
  readonly program: string;
  readonly env: Environment;
}

async function installedGo(recipe: GoRecipe, env: Environment): Promise<GoCompiler | undefined> {
  const program = await findProgram(['go'], env);
  if (program === undefined) return undefined;
  const version = await runCommand(program, ['version'], { env: { ...env, GOTOOLCHAIN: 'local' } });
  return isGoNewEnough(version.stdout, recipe.oldestGo) ? { program, env: {} } : undefined;
}

/** Judges the output of `go version`, such as `go version go1.26.8 linux/amd64`. */
export function isGoNewEnough(
  output: string,
  [oldestMajor, oldestMinor]: readonly [number, number],
): boolean {
  const match = /\bgo(\d+)\.(\d+)/.exec(output);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

async function fetchGo(
  scratch: string,
  recipe: GoRecipe,
  options: ArchiveOptions,
): Promise<GoCompiler> {
  options.progress(`Fetching Go to build ${recipe.title} (44 MB, removed after the build)`);
  const archive = await openDebianArchive(join(scratch, 'apt'), options);
  const names = [`${GO_PACKAGE}-go`, `${GO_PACKAGE}-src`];
  const debs = await archive.download(names, join(scratch, 'debs'));
  const root = join(scratch, 'go-root');
  await mkdir(root);
  await unpackPackages(root, debs, options);
  const goroot = join(root, 'usr/lib', GO_PACKAGE.replace('golang', 'go'));
  return { program: join(goroot, 'bin/go'), env: { GOROOT: goroot } };
}

/** Names the cause of a failed build by its messages. */
export function buildError(recipe: GoRecipe, stderr: string): EmbeddedError {
  const last = stderr.trim().split('\n').slice(-3).join(' ');
  const { title, otherwise } = recipe;
  if (/no space left on device/i.test(stderr)) {
    return new EmbeddedError(
      'disk_full',
      `the disk is full while building ${title}`,
      `Free ${recipe.diskNeeded} and start again.`,
    );
  }
  if (/dial tcp|lookup |i\/o timeout|connection refused|proxyconnect|TLS handshake/i.test(stderr)) {
    const or = otherwise === undefined ? '' : `, or ${otherwise}`;
    return new EmbeddedError(
      'network_unreachable',
      `the Go module proxy cannot be reached to build ${title}: ${last}`,
      `Check the network (GOPROXY and HTTPS_PROXY are honoured) and start again${or}.`,
    );
  }
  return new EmbeddedError(
    'build_failed',
    `building ${title} failed: ${last}`,
    otherwise === undefined
      ? 'Start again; disk and network are what it needs.'
      : `Start again; if it fails the same way, ${otherwise}.`,
  );
}
