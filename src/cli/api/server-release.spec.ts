import { isOtherRelease, releaseHints } from './server-release.js';

describe('releaseHints', () => {
  it.each([
    ['0.9.9', '0.10.0', 'older than this command (0.10.0): update it'],
    ['1.2.3', '1.2.4', 'older'],
    ['1.10.0', '1.9.0', 'newer than this command (1.9.0): use the command'],
    ['2.0.0-beta.1', '1.0.0', 'newer'],
    ['1.2.3', '1.2.3', 'Both are Millrace 1.2.3; the server may be an older build'],
    ['dev', '1.2.3', 'older'],
    [undefined, '1.2.3', 'may also be older than this command, which is Millrace 1.2.3'],
  ])('server %s, command %s: %s', (server, own, text) => {
    const hints = releaseHints(server, own);
    expect(hints).toEqual([expect.stringContaining(text)]);
  });
});

it('isOtherRelease is about what may change the API', () => {
  expect(isOtherRelease('1.2.3', '1.2.9')).toBe(false);
  expect(isOtherRelease('1.2.3', '1.3.0')).toBe(true);
  expect(isOtherRelease('1.2.3', '2.2.3')).toBe(true);
  expect(isOtherRelease('of an unknown version', '1.2.3')).toBe(true);
});
