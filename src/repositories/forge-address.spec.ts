import { MillraceError } from '../common/errors/millrace.error.js';
import { forgeAddress } from './forge-address.js';

describe('the address of a repository', () => {
  it.each([
    ['https://github.com/acme/shop.git', {}, 'github', 'https://api.github.com', 'acme/shop'],
    ['https://codeberg.org/acme/shop/', {}, 'gitea', 'https://codeberg.org/api/v1', 'acme/shop'],
    [
      'https://git.example.org/acme/shop',
      { forge: 'github' },
      'github',
      'https://git.example.org/api/v3',
      'acme/shop',
    ],
    [
      'http://git.example.org:3000/acme/shop',
      { forge: 'gitea', apiUrl: 'http://api.example.org/' },
      'gitea',
      'http://api.example.org',
      'acme/shop',
    ],
    ['https://gitlab.com/a/b/shop', {}, 'gitlab', '', 'a/b/shop'],
  ] as const)('%s %j', (url, said, forge, apiUrl, fullName) => {
    expect(forgeAddress(url, said)).toMatchObject({ forge, apiUrl, fullName });
  });

  it.each([
    ['git@github.com:acme/shop.git', {}, 'url'],
    ['https://user:word@github.com/acme/shop', {}, 'url'],
    ['https://github.com/acme/shop?token=word', {}, 'url'],
    ['https://github.com/acme', {}, 'url'],
    ['https://github.com/acme/shop/tree', {}, 'url'],
    ['https://git.example.org/acme/shop', {}, 'forge'],
    ['https://gitlab.com/acme/shop', { apiUrl: 'https://gitlab.com/api/v4' }, 'api_url'],
  ])('%s %j is refused, and nothing of it is repeated', (url, said, path) => {
    const refused = (): unknown => forgeAddress(url, said);
    expect(refused).toThrow(MillraceError);
    try {
      refused();
    } catch (error) {
      const { details } = error as MillraceError;
      expect(details).toEqual([expect.objectContaining({ path })]);
      expect(JSON.stringify([details, (error as Error).message])).not.toContain('word');
    }
  });
});
