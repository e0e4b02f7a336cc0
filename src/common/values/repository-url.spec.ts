import { plainRepositoryUrl } from './repository-url.js';

describe('the URL of a repository without credentials', () => {
  it.each([
    ['https://host/a/b.git', 'https://host/a/b.git'],
    ['https://u:secret@host:8443/a/b.git', 'https://host:8443/a/b.git'],
    ['https://token@host/a.git?private_token=x#y', 'https://host/a.git'],
    ['https://host/a.git?private_token=x', 'https://host/a.git'],
    ['ssh://git@host/a.git', 'ssh://git@host/a.git'],
    ['git@host:a/b.git', 'git@host:a/b.git'],
    ['ssh://bob:secret@host/a.git', undefined],
    ['user:secret@host:a/b.git', undefined],
    ['', undefined],
  ])('of %s is %s', (url, plain) => {
    expect(plainRepositoryUrl(url)).toBe(plain);
  });
});
