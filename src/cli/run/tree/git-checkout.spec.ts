import { isOf } from './git-checkout.js';

describe('isOf', () => {
  it.each([
    ['https://example.com/acme/shop.git', 'git@example.com:acme/shop.git', true],
    ['https://example.com/acme/shop', 'https://u:p@example.com/acme/shop.git/', true],
    ['https://example.com/acme/shop', 'ssh://git@example.com/acme/shop', true],
    ['https://example.com/acme/shop', 'https://example.com/acme/other', false],
    ['https://example.com/acme/shop', '/srv/git/shop', false],
    ['${{ inputs.url }}', 'https://example.com/acme/shop', false],
  ])('%s and the remote %s: %p', (url, remote, same) => {
    expect(isOf(url, { remotes: ['https://elsewhere.example/x', remote] })).toBe(same);
  });
});
