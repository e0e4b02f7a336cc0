import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REASONS, duration, maskReason, nameList, reason, ReasonBudget } from './reasons.js';

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

  it('are cut, after they are masked', () => {
    const cut = maskReason(
      { code: 'x', message: `${'a'.repeat(995)}secret`, data: { text: 'b'.repeat(90_000) } },
      (text) => text.replaceAll('secret', '***'),
    );
    expect(cut.message).toBe(`${'a'.repeat(995)}***`);
    expect((cut.data?.['text'] as string).length).toBe(300);
    expect(reason('signal', 'm'.repeat(5000)).message).toHaveLength(1000);
  });

  it('of a whole run have room in one record', () => {
    const budget = new ReasonBudget();
    const long = { code: 'x', message: '…'.repeat(1000), data: { text: '…'.repeat(300) } };
    expect(budget.take(long)).toEqual(long);
    const all = Array.from({ length: 11_000 }, () => budget.take(long));
    expect(Buffer.byteLength(JSON.stringify(all))).toBeLessThan(12 * 1024 * 1024);
    expect(all.at(-1)).toEqual({ code: 'x', message: '…'.repeat(100) });
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
