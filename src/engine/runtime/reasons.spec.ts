import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REASONS, duration, maskReason, nameList } from './reasons.js';

describe('reasons', () => {
  it('are all explained in docs/reasons.md', () => {
    const text = readFileSync(join(__dirname, '../../../docs/reasons.md'), 'utf8');
    const missing = Object.keys(REASONS).filter((code) => !text.includes(`\`${code}\``));
    expect(missing).toEqual([]);
  });

  it('are masked deeply', () => {
    const masked = maskReason(
      { code: 'x', message: 'a key', data: { key: ['a key', 1, { b: 'key' }] } },
      (text) => text.replaceAll('key', '***'),
    );
    expect(masked).toEqual({
      code: 'x',
      message: 'a ***',
      data: { '***': ['a ***', 1, { b: '***' }] },
    });
  });

  it('name things for people', () => {
    expect(nameList([])).toBe('');
    expect(nameList(['a'])).toBe('"a"');
    expect(nameList(['a', 'b', 'c'])).toBe('"a", "b" and "c"');
    expect(nameList(['a', 'b', 'c', 'd'], 2)).toBe('"a", "b" and 2 more');
    expect([250, 1500, 90_000, 3_600_000].map(duration)).toEqual([
      '250 ms',
      '1.5 s',
      '90 s',
      '60 min',
    ]);
  });
});
