import { AddressRefusedError, bareHost } from '../../common/net/address-policy.js';
import type { CheckedResolver } from '../../common/net/checked-addresses.js';
import { CheckedProxy } from './checked-proxy.js';
import type { ValidClone } from './clone-request.js';
import { GitError } from './git-client.js';
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
 * @throws GitError `address_refused`, `unreachable`
 */
export async function openRoute(clone: ValidClone, resolver: CheckedResolver): Promise<GitRoute> {
  const url = new URL(clone.url);
  return url.protocol === 'ssh:' ? sshRoute(url, resolver) : proxyRoute(url, resolver);
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

async function sshRoute(url: URL, resolver: CheckedResolver): Promise<GitRoute> {
  const address = await sshAddress(url.hostname, resolver);
  const host = bareHost(url.hostname);
  const alias = url.port === '' || url.port === '22' ? host : `[${host}]:${url.port}`;
  // A shell reads this: the host holds letters, digits and `.-_:[]` only, the address is one.
  const command = `ssh -oBatchMode=yes -oHostName='${address}' -oHostKeyAlias='${alias}' -oCanonicalizeHostname=no`;
  return {
    settings: [],
    environment: { GIT_ALLOW_PROTOCOL: 'ssh', GIT_SSH_COMMAND: command },
    failure: () => undefined,
    close: () => Promise.resolve(),
  };
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
