import { MaskSet } from './mask-set.js';

function passwordInUrl(text: string): string {
  const url = new URL('http://h/');
  url.password = text;
  return url.password;
}

describe('MaskSet', () => {
  const secret = 'p@ss "w\\rd"/ü+1?';
  const masks = MaskSet.from([secret]);

  it.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify(secret).slice(1, -1)],
    ['in JSON of ASCII only', 'p@ss \\"w\\\\rd\\"/\\u00fc+1?'],
    ['URL-encoded', encodeURIComponent(secret)],
    [
      'URL-encoded in lower case',
      encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase()),
    ],
    ['as a form field', new URLSearchParams({ x: secret }).toString().slice(2)],
    ['as a URL path', encodeURI(secret)],
    ['as Python quotes it', encodeURIComponent(secret).replaceAll('%2F', '/')],
    ['as Go escapes a path', 'p@ss%20%22w%5Crd%22%2F%C3%BC+1%3F'],
    ['as a password in a URL', passwordInUrl(secret)],
    ['in base64', Buffer.from(secret).toString('base64')],
    ['in base64url', Buffer.from(secret).toString('base64url')],
  ])('masks it %s', (_name, printed) => {
    expect(masks.maskText(`<${printed}>`)).toBe('<***>');
  });

  it('leaves no part of it at a cut, wherever the cut is', () => {
    const one = MaskSet.from(['qwertzuiop']);
    const text = `ä${'qwertzuiop-'.repeat(3)}😀 end`;
    const masked = one.maskText(text);
    for (let limit = 1; limit <= text.length; limit += 1) {
      const cut = one.cutText(text, limit);
      expect(cut).not.toContain('q');
      expect(masked.startsWith(cut.replace(/…$/, ''))).toBe(true);
      expect(cut.endsWith('…')).toBe(limit < text.length);
      expect(cut.isWellFormed()).toBe(true);
    }
    expect(one.cutText('short', 5)).toBe('short');
    expect(MaskSet.from([]).cutText('too long', 4)).toBe('too…');
  });

  it.each([0, 1, 2, 3, 4, 5])('masks base64 of it behind %i other bytes', (count) => {
    const front = 'user:'.slice(0, count);
    const encoded = Buffer.from(`${front}${secret}tail`).toString('base64');
    const masked = masks.maskText(encoded);
    expect(masked).toContain('***');
    expect(Buffer.from(masked.replace('***', ''), 'base64').toString()).not.toContain('p@ss');
    expect(masked.length).toBeLessThan(14 + count);
  });

  it('masks each line of a value of several lines', () => {
    const key = MaskSet.from(['-----BEGIN KEY-----\r\nMIIabcdef\nab\nxyz9\n-----END KEY-----\n']);
    expect(key.maskText('MIIabcdef\nab\nxyz9')).toBe('***\nab\n***');
    expect(
      key.maskText(JSON.stringify('-----BEGIN KEY-----\r\nMIIabcdef\nab\nxyz9\n-----END KEY-----')),
    ).toBe('"***"');
  });

  it('masks a value whose line end was lost', () => {
    expect(
      MaskSet.from(['token1234\n']).maskText(Buffer.from('token1234').toString('base64')),
    ).toBe('***');
  });

  it.each([
    ['base64', 76, ''],
    ['openssl', 64, ''],
    ['base64 of echo', 76, '\n'],
  ])('masks a long value in lines of %s', (_program, length, end) => {
    const long = Array.from({ length: 40 }, (_, n) => `part-${n}`).join('/');
    const encoded = Buffer.from(long + end).toString('base64');
    const lines = encoded.match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
    expect(lines.length).toBeGreaterThan(4);
    const masked = MaskSet.from([long]).maskText(lines.join('\n'));
    // What is left is of the end of the line that was encoded with it, or has less than 4 bytes.
    expect(masked.replaceAll('***', '').replace(/\n/g, '').length).toBeLessThan(8);
    expect(masked).not.toContain(lines[1]);
  });

  it('counts bytes, not characters: 4 is the least', () => {
    const set = MaskSet.from(['', 'abc', 'üü', ' a ']);
    expect(set.maskText('abc üü a')).toBe('abc *** a');
  });

  it('joins secrets that overlap, and not those that touch', () => {
    const set = MaskSet.from(['abcdef', 'defghi', '12345']);
    expect(set.maskText('abcdefghi1234512345')).toBe('***'.repeat(3));
  });

  it('leaves a text without a secret the same, and survives broken surrogates', () => {
    expect(MaskSet.from(['x\ud800yz']).maskText('nothing here')).toBe('nothing here');
    expect(MaskSet.from([]).maskText('nothing')).toBe('nothing');
  });

  it('grows, and says so only when there is something new', () => {
    const set = MaskSet.from(['first-secret']);
    set.add(['first-secret', 'abc', '']);
    expect([set.hasGrown, set.maskText('other-secret')]).toEqual([false, 'other-secret']);
    set.add(['other-secret']);
    expect([set.hasGrown, set.maskText('first-secret other-secret')]).toEqual([true, '*** ***']);
    expect(set.maskText(Buffer.from('other-secret').toString('base64'))).toBe('***');
    expect(set.all).toEqual(['first-secret', 'other-secret']);
  });
});
