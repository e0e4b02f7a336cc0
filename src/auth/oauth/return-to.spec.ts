import { returnAddress } from './return-to.js';

const PUBLIC = 'https://ci.example.org/millrace';

describe('the address after a log-in', () => {
  it.each([
    ['/api/docs', 'https://ci.example.org/api/docs'],
    ['/', 'https://ci.example.org/'],
    ['/a?b=c&d=/e#f', 'https://ci.example.org/a?b=c&d=/e#f'],
    ['/a/../b', 'https://ci.example.org/b'],
    ['/@evil.example', 'https://ci.example.org/@evil.example'],
  ])('%j is a path of this server', (path, address) => {
    expect(returnAddress(path, PUBLIC)).toBe(address);
  });

  it.each([
    '',
    'api/docs',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '/a\\b',
    '\\\\evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    ' /api/docs',
    '/\u0000',
    '/ä',
    `/${'a'.repeat(1000)}`,
  ])('%j is none', (path) => {
    expect(returnAddress(path, PUBLIC)).toBeUndefined();
  });
});
