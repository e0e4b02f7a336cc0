import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AddressRefusedError, bareHost } from '../../common/net/address-policy.js';
import type { CheckedResolver } from '../../common/net/checked-addresses.js';
import { CheckedProxy } from './checked-proxy.js';
import type { ValidClone } from './clone-request.js';
import { GitError, type SshIdentity } from './git-client.js';
import { unreachable } from './git-failures.js';

/** How the git program reaches the remote of one clone, and nothing else. */
export interface GitRoute {
  /** Settings of git's configuration. */
  readonly settings: readonly (readonly [key: string, value: string])[];
  readonly environment: Readonly<Record<string, string>>;
  /** What kept git from reaching it, when that is known better than git tells. */
  failure(): GitError | undefined;
  close(): Promise<void>;
}

/**
 * http and https go through a proxy of ours, which checks each connection. For ssh the address is
 * checked here and ssh is told to dial it, under the name that its list of known hosts has.
 * @param privateParent folder in which an SSH identity may lie while the route is open
 * @throws GitError `address_refused`, `unreachable`
 */
export async function openRoute(
  clone: ValidClone,
  resolver: CheckedResolver,
  privateParent: string,
): Promise<GitRoute> {
  const url = new URL(clone.url);
  if (url.protocol !== 'ssh:') return proxyRoute(url, resolver);
  return sshRoute(url, resolver, clone.ssh && { ...clone.ssh, parent: privateParent });
}

async function proxyRoute(url: URL, resolver: CheckedResolver): Promise<GitRoute> {
  const proxy = await CheckedProxy.start(resolver);
  return {
    settings: [
      ['http.proxy', proxy.url],
      ['http.proxyAuthMethod', 'basic'],
      // Only the first request of a clone may be redirected; where it leads is asked for all that
      // follows.
      ['http.followRedirects', 'initial'],
    ],
    environment: {
      // Nothing goes past the proxy.
      no_proxy: '',
      NO_PROXY: '',
      // A redirect never leads from https to http.
      GIT_ALLOW_PROTOCOL: url.protocol === 'https:' ? 'https' : 'http:https',
    },
    failure: () => proxy.failure(),
    close: () => proxy.close(),
  };
}

async function sshRoute(
  url: URL,
  resolver: CheckedResolver,
  identity: PlacedIdentity | undefined,
): Promise<GitRoute> {
  const address = await sshAddress(url.hostname, resolver);
  const host = bareHost(url.hostname);
  const alias = url.port === '' || url.port === '22' ? host : `[${host}]:${url.port}`;
  // A shell reads this: the host holds letters, digits and `.-_:[]` only, the address is one.
  const command = `ssh -oBatchMode=yes -oHostName='${address}' -oHostKeyAlias='${alias}' -oCanonicalizeHostname=no`;
  const folder = identity && (await writeIdentity(identity));
  const files = folder === undefined ? '' : identityOptions(folder, identity);
  return {
    settings: [],
    environment: { GIT_ALLOW_PROTOCOL: 'ssh', GIT_SSH_COMMAND: `${command}${files}` },
    failure: () => undefined,
    close: async () => {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

interface PlacedIdentity extends SshIdentity {
  readonly parent: string;
}

const KEY_FILE = 'key';
const HOSTS_FILE = 'known_hosts';

/** ssh reads keys from files only: these are there while the clone runs, for this user. */
async function writeIdentity({ parent, key, knownHosts }: PlacedIdentity): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parent, 'ssh-'));
  try {
    // OpenSSH takes no key without a line end at its end, nor one with carriage returns.
    await writeFile(join(folder, KEY_FILE), `${key.replaceAll('\r', '').trim()}\n`, {
      mode: 0o600,
    });
    if (knownHosts !== undefined) {
      await writeFile(join(folder, HOSTS_FILE), `${knownHosts.trim()}\n`, { mode: 0o600 });
    }
    return folder;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

function identityOptions(folder: string, identity: SshIdentity | undefined): string {
  // Only this key: no agent, no configuration of the user.
  const own = ` -F/dev/null -oIdentitiesOnly=yes -oIdentityAgent=none -oIdentityFile=${shellQuoted(join(folder, KEY_FILE))}`;
  if (identity?.knownHosts === undefined) return own;
  const file = shellQuoted(join(folder, HOSTS_FILE));
  return `${own} -oStrictHostKeyChecking=yes -oGlobalKnownHostsFile=/dev/null -oUserKnownHostsFile=${file}`;
}

/** Who runs Millrace chooses where its data is. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function sshAddress(hostname: string, resolver: CheckedResolver): Promise<string> {
  try {
    const [first] = await resolver.addresses(hostname);
    return first?.address ?? '';
  } catch (error) {
    if (error instanceof AddressRefusedError) {
      throw new GitError('address_refused', error.message, false);
    }
    throw unreachable((error as Error).message, true);
  }
}
