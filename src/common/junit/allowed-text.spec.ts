import { AllowedText } from './allowed-text.js';

/** In pieces of any size it is the same. */
function allowed(text: string): string {
  const inPieces = (size: number): string => {
    const filter = new AllowedText();
    let all = '';
    for (let at = 0; at < text.length; at += size) all += filter.text(text.slice(at, at + size));
    return all + filter.end();
  };
  const whole = inPieces(text.length);
  for (const size of [1, 2, 3, 5, 7, 11]) expect(inPieces(size)).toBe(whole);
  return whole;
}

it('leaves out colours, also those whose first character is written by its number', () => {
  expect(allowed('a\u001b[31mb\u001b[0m c\u001b[38;5;1md\u001b[2K')).toBe('ab cd');
  expect(allowed('a&#27;[1mb&#x1B;[22mc&#x001b;[0md')).toBe('abcd');
  expect(allowed('m="\u001b[" n="\u001b')).toBe('m="\ufffd[" n="\ufffd');
});

it('shows every other character that no XML may hold as unknown', () => {
  expect(allowed('\u0000\u0007\u000b\u001f\ufffe\uffff')).toBe('\ufffd'.repeat(6));
  expect(allowed('&#0;&#x7;&#55296;&#xFFFF;&#x110000;&#99999999999999999999;')).toBe(
    '\ufffd'.repeat(6),
  );
});

it('leaves all else as it is', () => {
  const text = '<a b="1 &amp; &#9;&#10;&#x1F600;">]] ]]&gt; \t\r\n\u007f\u0085 😀 &#; &# &lt;</a>&';
  expect(allowed(text)).toBe(text);
  const numbers = '<![CDATA[&#27;[31m &#0;]]]>';
  expect(allowed(`${numbers}&#0;`)).toBe(`${numbers}\ufffd`);
});

it('holds back little, however long what has begun is', () => {
  const filter = new AllowedText();
  for (const text of [`\u001b[${'1;'.repeat(5_000)}`, `&#${'1'.repeat(5_000)}`, '&<![CDATA[&#27']) {
    expect(text.length - filter.text(text).length).toBeLessThanOrEqual(80);
    filter.end();
  }
});
