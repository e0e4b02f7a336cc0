import { formatEncryptionKeys, parseEncryptionKeys } from './encryption-key-list.js';

const key = (text: string): string => Buffer.from(text.padEnd(32, 'x')).toString('base64');
const [A, B] = [key('a'), key('b')] as const;

describe('parseEncryptionKeys', () => {
  it('takes keys by name, the first one seals', () => {
    const parsed = parseEncryptionKeys(`new:${A}, old:${B}\n`);
    if (!('value' in parsed)) throw new Error(parsed.problem);
    expect(parsed.value.map(({ id, bytes }) => [id, bytes.length])).toEqual([
      ['new', 32],
      ['old', 32],
    ]);
    expect(formatEncryptionKeys(parsed.value)).toBe(`new:${A},old:${B}`);
  });

  it.each([
    ['a key that is too short', `k1:${Buffer.alloc(31, 'ab').toString('base64')}`],
    ['a key that is too long', `k1:${Buffer.alloc(33, 'ab').toString('base64')}`],
    ['a key without a name', A],
    ['a name that is none', `K 1:${A}`],
    ['text that is no base64', `k1:${'!'.repeat(44)}`],
    ['one bad key among good ones', `k1:${A},k2:short`],
  ])('refuses %s, and says how one is made', (_what, text) => {
    expect(parseEncryptionKeys(text)).toEqual({
      problem: expect.stringContaining('openssl rand -base64 32') as string,
    });
  });

  it.each([
    ['no key', ' ,\n', 'must hold a key'],
    [
      'a key of one repeated byte',
      `k1:${Buffer.alloc(32).toString('base64')}`,
      'one repeated byte',
    ],
    ['two keys of one name', `k1:${A},k1:${B}`, 'two keys alike'],
  ])('refuses %s', (_what, text, problem) => {
    expect(parseEncryptionKeys(text)).toEqual({
      problem: expect.stringContaining(problem) as string,
    });
  });
});
