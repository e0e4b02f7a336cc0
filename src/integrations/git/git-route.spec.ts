import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AddressPolicy } from '../../common/net/address-policy.js';
import { CheckedResolver } from '../../common/net/checked-addresses.js';
import { openRoute } from './git-route.js';
import type { SshIdentity } from './git-client.js';

const resolver = new CheckedResolver(new AddressPolicy(['all']), async () => [
  { address: '192.0.2.7', family: 4 },
]);
const parent = mkdtempSync(join(tmpdir(), 'millrace-route-'));
afterAll(() => rmSync(parent, { recursive: true, force: true }));
const route = (ssh?: SshIdentity) =>
  openRoute(
    { url: 'ssh://git@git.test/a/b', directory: join(parent, 'tree'), depth: 1, ssh },
    resolver,
    parent,
  );
const fileOf = (command: string, option: string): string =>
  new RegExp(`-o${option}='([^']+)'`).exec(command)?.[1] ?? '';

describe('the route of a clone by SSH', () => {
  it('has key and known hosts in files of its own, for this user, until it is closed', async () => {
    const { environment, close } = await route({ key: 'THE\r\nKEY', knownHosts: 'git.test A' });
    const command = environment['GIT_SSH_COMMAND'] ?? '';
    const [key, hosts] = ['IdentityFile', 'UserKnownHostsFile'].map((each) =>
      fileOf(command, each),
    );
    if (!key || !hosts) throw new Error(command);
    expect([readFileSync(key, 'utf8'), readFileSync(hosts, 'utf8')]).toEqual([
      'THE\nKEY\n',
      'git.test A\n',
    ]);
    expect([key, hosts, dirname(key)].map((path) => statSync(path).mode & 0o777)).toEqual([
      0o600, 0o600, 0o700,
    ]);
    for (const option of ['-F/dev/null', '-oIdentitiesOnly=yes', '-oStrictHostKeyChecking=yes']) {
      expect(command).toContain(option);
    }
    expect(command).not.toContain('THE');
    // What the owner of the clone's folder removes, it removes too: also after a crash.
    expect(dirname(dirname(key))).toBe(parent);
    await close();
    expect(existsSync(dirname(key))).toBe(false);
  });

  it('without an identity uses what the user has', async () => {
    const { environment, close } = await route();
    expect(environment['GIT_SSH_COMMAND']).not.toMatch(/Identity|KnownHosts|-F/);
    await close();
  });
});
