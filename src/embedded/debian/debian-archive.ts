import { access, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { runCommand, type CommandResult } from '../system/run-command.js';
import { parseDependencyGraph, walkDependencies } from './dependency-walk.js';

/** The Debian release that has PostgreSQL with the DocumentDB extension. */
const SUITE = 'forky';
const KEYRINGS = [
  '/usr/share/keyrings/debian-archive-keyring.gpg',
  '/usr/share/keyrings/debian-archive-keyring.pgp',
];

export interface ArchiveOptions {
  /** The caller's environment: `PATH`, and proxy variables that apt reads. */
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
  readonly progress: (line: string) => void;
  /** Keyring files to try, in order; given by tests only. */
  readonly keyrings?: readonly string[];
}

/**
 * Packages of one Debian release, fetched through apt with a configuration of its own: nothing on
 * the machine changes.
 */
export interface DebianArchive {
  /** The closure of `seeds` by first alternatives, without what `cuts` names. */
  closure(seeds: readonly string[], cuts: readonly RegExp[]): Promise<readonly string[]>;
  /**
   * Downloads the packages by name into `folder`; apt checks every file's hash. Returns their
   * paths.
   */
  download(names: readonly string[], folder: string): Promise<readonly string[]>;
}

/**
 * Opens the archive: writes an apt configuration below `folder` and fetches the signed index.
 *
 * The index must be signed by a key of the Debian keyring. An index that is only too old (a mirror
 * that lags behind) is accepted after a first refusal, and said so through `progress`.
 *
 * @throws EmbeddedError `platform_unsupported`, `keyring_missing`, `network_unreachable`,
 *   `disk_full`, `fetch_failed`.
 */
export async function openDebianArchive(
  folder: string,
  options: ArchiveOptions,
): Promise<DebianArchive> {
  const apt = (args: readonly string[], config?: string, cwd?: string): Promise<CommandResult> =>
    runCommand(args[0] ?? '', args.slice(1), {
      env: { ...options.env, LC_ALL: 'C', ...(config === undefined ? {} : { APT_CONFIG: config }) },
      ...(cwd === undefined ? {} : { cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  await requireApt(apt);
  await mkdir(folder, { recursive: true });
  const keyring = await findKeyring(folder, apt, options);
  const config = await openAtAnyMirror(folder, keyring, apt, options);
  return {
    async closure(seeds, cuts) {
      const result = await apt(['apt-cache', ...DEPENDS_FLAGS, ...seeds], config);
      if (result.code !== 0) throw fetchError('the list of dependencies', result);
      return walkDependencies(parseDependencyGraph(result.stdout), seeds, cuts);
    },
    async download(names, into) {
      await mkdir(into, { recursive: true });
      const result = await apt(['apt-get', '-q', 'download', ...names], config, into);
      if (result.code !== 0) throw fetchError(`${String(names.length)} packages`, result);
      const files = (await readdir(into)).filter((name) => name.endsWith('.deb')).sort();
      return files.map((name) => join(into, name));
    },
  };
}

const DEPENDS_FLAGS = [
  'depends',
  '--recurse',
  '--important',
  '--no-pre-depends',
  '--no-recommends',
  '--no-suggests',
  '--no-breaks',
  '--no-conflicts',
  '--no-replaces',
  '--no-enhances',
];

type Apt = (args: readonly string[], config?: string, cwd?: string) => Promise<CommandResult>;

async function requireApt(apt: Apt): Promise<void> {
  try {
    await apt(['apt-get', '--version']);
    await apt(['dpkg-deb', '--version']);
  } catch (error) {
    if (!(error instanceof EmbeddedError) || error.code !== 'tool_missing') throw error;
    throw new EmbeddedError(
      'platform_unsupported',
      'this system has no apt, so the embedded database and Redis cannot be fetched',
      'Install mongod and redis-server yourself, or set MONGODB_URI and REDIS_URL to servers that you run.',
      error,
    );
  }
}

async function findKeyring(folder: string, apt: Apt, options: ArchiveOptions): Promise<string> {
  for (const path of options.keyrings ?? KEYRINGS) if (await readable(path)) return path;
  options.progress(
    'Fetching the Debian archive keyring (checked by this system’s own package sources)',
  );
  const scratch = join(folder, 'keyring');
  await mkdir(scratch, { recursive: true });
  const got = await apt(
    ['apt-get', '-q', 'download', 'debian-archive-keyring'],
    undefined,
    scratch,
  );
  const deb = (await readdir(scratch)).find((name) => name.endsWith('.deb'));
  if (got.code === 0 && deb !== undefined) {
    await apt(['dpkg-deb', '-x', join(scratch, deb), scratch]);
    for (const path of KEYRINGS) {
      if (await readable(join(scratch, path))) return join(scratch, path);
    }
  }
  throw new EmbeddedError(
    'keyring_missing',
    'the Debian archive keyring is not on this system, so downloaded packages could not be checked',
    'Install it (apt-get update && apt-get install debian-archive-keyring), or set MONGODB_URI and REDIS_URL.',
  );
}

async function readable(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function openAtAnyMirror(
  folder: string,
  keyring: string,
  apt: Apt,
  options: ArchiveOptions,
): Promise<string> {
  const machine = await apt(['apt-config', 'dump']);
  const inherited = inheritedSettings(machine.stdout);
  const indexes = await apt(['apt-get', 'indextargets', '--format', '$(LABEL) $(REPO_URI)']);
  let failure: EmbeddedError | undefined;
  for (const mirror of mirrorCandidates(indexes.stdout, options.env['DEBIAN_MIRROR'])) {
    for (const acceptOld of [false, true]) {
      const config = await writeAptConfig(folder, { mirror, keyring, inherited, acceptOld });
      // Without Error-Mode=any an index that fails its check only warns when an older one is at
      // hand.
      const update = ['apt-get', '-q', '-o', 'APT::Update::Error-Mode=any', 'update'];
      const result = await apt(update, config);
      if (result.code === 0) return config;
      failure ??= fetchError('the index of the Debian archive', result);
      if (!isOutdated(result.stderr)) break;
      options.progress(
        'The Debian mirror’s index is older than it should be; taking it, its signature is still checked',
      );
    }
  }
  throw (
    failure ??
    new EmbeddedError(
      'mirror_missing',
      'The apt of this machine names no Debian mirror, from which Redis and the database would be fetched.',
      'Set DEBIAN_MIRROR to the URL of one (https://…/debian), or give MONGODB_URI and REDIS_URL.',
    )
  );
}

/** True when apt refused an index for its date alone. */
export function isOutdated(stderr: string): boolean {
  const errors = stderr.split('\n').filter((line) => line.startsWith('E:'));
  return errors.length > 0 && errors.every((line) => /is (expired|not valid yet)/.test(line));
}

/**
 * Debian mirrors to try, best first: the one that the operator names, then those that this machine
 * uses (by `apt-get indextargets`). Before its first `apt-get update` a machine knows no labels:
 * there the path tells what a mirror serves.
 */
export function mirrorCandidates(
  indexTargets: string,
  named: string | undefined,
): readonly string[] {
  const own = indexTargets
    .split('\n')
    .map((line) => /^(?:Debian (\S+?)|(\S+\/debian))\/?$/.exec(line.trim()))
    .map((match) => match?.[1] ?? match?.[2])
    .filter((uri) => uri !== undefined && /^https?:/.test(uri));
  const first = named === undefined || named === '' ? [] : [named.replace(/\/$/, '')];
  return [...new Set([...first, ...own])].filter((uri) => uri !== undefined);
}

/**
 * Proxy and transport settings of the machine's apt (`apt-config dump`), which the own
 * configuration must keep.
 */
export function inheritedSettings(dump: string): readonly string[] {
  return dump
    .split('\n')
    .filter((line) =>
      /^Acquire::(https?|Retries|ForceIPv[46])\b[\w:.-]* "[^"]+";$/.test(line.trim()),
    );
}

/**
 * Text of the own apt.conf; every path lies below `folder` but the machine's proxy and mirror
 * credentials.
 */
export function aptConfig(
  folder: string,
  inherited: readonly string[],
  acceptOld: boolean,
): string {
  return [
    ...inherited,
    `Dir::Etc "${folder}/etc";`,
    `Dir::Etc::sourcelist "${folder}/etc/sources.list";`,
    'Dir::Etc::sourceparts "-";',
    'Dir::Etc::netrc "/etc/apt/auth.conf";',
    'Dir::Etc::netrcparts "/etc/apt/auth.conf.d";',
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/state/status";`,
    `Dir::Cache "${folder}/cache";`,
    'APT::Install-Recommends "false";',
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "3";',
    ...(acceptOld ? ['Acquire::Check-Valid-Until "false";', 'Acquire::Check-Date "false";'] : []),
    '',
  ].join('\n');
}

async function writeAptConfig(
  folder: string,
  settings: {
    readonly mirror: string;
    readonly keyring: string;
    readonly inherited: readonly string[];
    readonly acceptOld: boolean;
  },
): Promise<string> {
  const folders = [
    'etc/apt.conf.d',
    'etc/preferences.d',
    'etc/trusted.gpg.d',
    'state/lists/partial',
    'cache/archives/partial',
  ];
  for (const name of folders) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'state/status'), '');
  await writeFile(
    join(folder, 'etc/sources.list'),
    `deb [signed-by=${settings.keyring}] ${settings.mirror} ${SUITE} main\n`,
  );
  const path = join(folder, 'apt.conf');
  await writeFile(path, aptConfig(folder, settings.inherited, settings.acceptOld));
  return path;
}

/** Names the cause of a failed apt command by its messages. */
export function fetchError(what: string, result: CommandResult): EmbeddedError {
  const text = `${result.stderr}\n${result.stdout}`;
  const reason = text
    .split('\n')
    .filter((line) => /^E:/.test(line))
    .slice(0, 3)
    .join(' ');
  if (/No space left on device|not enough free space/i.test(text)) {
    return new EmbeddedError(
      'disk_full',
      `the disk is full while fetching ${what}`,
      'Free about 1.5 GB (the build needs it for a minute; 200 MB stay), or set MILLRACE_HOME to a larger disk.',
    );
  }
  if (/resolv|connect|timed out|unreachable|Could not (wait|handshake)|proxy/i.test(text)) {
    return new EmbeddedError(
      'network_unreachable',
      `the Debian archive cannot be reached for ${what}: ${reason}`,
      'Check the network and the proxy settings of apt, then start again; or set MONGODB_URI and REDIS_URL.',
    );
  }
  return new EmbeddedError(
    'fetch_failed',
    `fetching ${what} from the Debian archive failed: ${reason}`,
    'Run "apt-get update" to see whether apt works on this system; or set MONGODB_URI and REDIS_URL.',
  );
}
