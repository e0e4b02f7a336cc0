import type { RepositoryPlan } from '../../../engine/plan/plan.js';
import { CloneAccess } from './clone-access.js';

const access = new CloneAccess(
  { TOKEN: 't0ken\n', USER: 'ada@x', PASS: 'p w', KEY: 'the key', HOSTS: 'git.test ssh-ed25519 A' },
  'https://x-access-token:forge@git.test/acme/shop.git',
);
const urlOf = (url: string, credentials?: RepositoryPlan['credentials']) =>
  access.requestFor({ url, ...(credentials && { credentials }) }).url;

describe('CloneAccess', () => {
  it('puts a token, or user and password, into the URL', () => {
    expect(urlOf('https://h.test/a/b', { token: 'TOKEN' })).toBe(
      'https://x-access-token:t0ken@h.test/a/b',
    );
    expect(urlOf('https://h.test/a/b', { username: 'USER', password: 'PASS' })).toBe(
      'https://ada%40x:p%20w@h.test/a/b',
    );
  });

  it('gives the key and the known hosts to a clone by SSH', () => {
    const url = 'ssh://git@git.test/a/b';
    expect(access.requestFor({ url, credentials: { sshKey: 'KEY', knownHosts: 'HOSTS' } })).toEqual(
      {
        url,
        ssh: { key: 'the key', knownHosts: 'git.test ssh-ed25519 A' },
      },
    );
  });

  it('uses the credential of the connection for that very repository only', () => {
    const authorized = 'https://x-access-token:forge@git.test/acme/shop';
    expect(urlOf('https://git.test/acme/shop')).toBe(authorized);
    expect(urlOf('https://git.test/acme/shop', { token: 'TOKEN' })).toContain(':t0ken@');
    for (const other of [
      'http://git.test/acme/shop',
      'https://git.test:8443/acme/shop',
      'https://git.test/acme/other',
      'https://evil.test/acme/shop',
      'https://own:credentials@git.test/acme/shop',
      'ssh://git@git.test/acme/shop',
      'no url',
    ]) {
      expect(urlOf(other)).toBe(other);
    }
  });
});
