import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { openDebianArchive, type ArchiveOptions } from '../debian/debian-archive.js';
import { unpackPackages } from '../debian/debian-root.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { findProgram } from '../system/find-program.js';
import { runCommand } from '../system/run-command.js';

/**
 * FerretDB speaks MongoDB's protocol over PostgreSQL; its version must fit the extension in the
 * Debian archive.
 */
const GATEWAY_VERSION = 'v2.7.0';
const GATEWAY_MODULE = `github.com/FerretDB/FerretDB/v2/cmd/ferretdb@${GATEWAY_VERSION}`;

/** Name of the component in the cache. Raise the last number when the recipe below changes. */
export const GATEWAY_COMPONENT = `ferretdb-${GATEWAY_VERSION}-1`;

/** Go that the gateway's go.mod asks for at least, and the package that brings one. */
const GO_MINIMUM = [1, 25] as const;
const GO_PACKAGE = 'golang-1.26';

/** The gateway program of an installed component. */
export function gatewayPath(root: string): string {
  return join(root, 'ferretdb');
}

/**
 * Builds the gateway in `root` (an empty folder) with the Go of this machine when it is new enough,
 * else with one that is fetched for this and removed after. 30 to 90 s of two cores, about 900 MB
 * of disk meanwhile, 26 MB in the end. Sources come through the Go module proxy and are checked
 * against its checksum database.
 */
export async function installGateway(
  root: string,
  options: ArchiveOptions & { readonly ignoreInstalledGo?: boolean },
): Promise<void> {
  const scratch = join(root, '.scratch');
  await mkdir(join(scratch, 'tmp'), { recursive: true });
  const installed = options.ignoreInstalledGo === true ? undefined : await installedGo(options.env);
  const go = installed ?? (await fetchGo(scratch, options));
  options.progress('Building the database gateway (FerretDB); once, 30 to 90 seconds');
  const started = Date.now();
  const tick = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    options.progress(`Still building the database gateway (${String(seconds)} s)`);
  }, 20_000);
  try {
    const args = ['install', '-trimpath', '-ldflags', '-s -w', GATEWAY_MODULE];
    const result = await runCommand(go.program, args, {
      env: { ...options.env, ...go.env, ...buildEnvironment(scratch) },
      cwd: scratch,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    if (result.code !== 0) throw buildError(result.stderr);
  } finally {
    clearInterval(tick);
  }
  await rename(join(scratch, 'bin/ferretdb'), gatewayPath(root));
  await chmod(gatewayPath(root), 0o755);
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

async function installedGo(env: Environment): Promise<GoCompiler | undefined> {
  const program = await findProgram(['go'], env);
  if (program === undefined) return undefined;
  const version = await runCommand(program, ['version'], { env: { ...env, GOTOOLCHAIN: 'local' } });
  return isGoNewEnough(version.stdout) ? { program, env: {} } : undefined;
}

/** Judges the output of `go version`, such as `go version go1.26.8 linux/amd64`. */
export function isGoNewEnough(output: string): boolean {
  const match = /\bgo(\d+)\.(\d+)/.exec(output);
  if (match === null) return false;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > GO_MINIMUM[0] || (major === GO_MINIMUM[0] && minor >= GO_MINIMUM[1]);
}

async function fetchGo(scratch: string, options: ArchiveOptions): Promise<GoCompiler> {
  options.progress('Fetching Go to build the database gateway (44 MB, removed after the build)');
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
export function buildError(stderr: string): EmbeddedError {
  const last = stderr.trim().split('\n').slice(-3).join(' ');
  if (/no space left on device/i.test(stderr)) {
    return new EmbeddedError(
      'disk_full',
      'the disk is full while building the database gateway',
      'Free about 1.5 GB (the build needs it for a minute; 200 MB stay) and start again.',
    );
  }
  if (/dial tcp|lookup |i\/o timeout|connection refused|proxyconnect|TLS handshake/i.test(stderr)) {
    return new EmbeddedError(
      'network_unreachable',
      `the Go module proxy cannot be reached to build the database gateway: ${last}`,
      'Check the network (GOPROXY and HTTPS_PROXY are honoured) and start again, or set MONGODB_URI.',
    );
  }
  return new EmbeddedError(
    'build_failed',
    `building the database gateway failed: ${last}`,
    'Start again; if it fails the same way, set MONGODB_URI to a MongoDB server.',
  );
}
