import { LineTail } from './line-tail.js';

describe('LineTail', () => {
  const tailOf = (maxBytes: number, ...adds: string[]) => {
    const tail = new LineTail(maxBytes);
    for (const text of adds) tail.add(Buffer.from(text));
    return tail;
  };

  it('gives the last lines, oldest first', () => {
    const tail = tailOf(100, 'a\nb\n', '\n', 'c\n');
    expect(tail.last(2)).toEqual(['', 'c']);
    expect(tail.last(10)).toEqual(['a', 'b', '', 'c']);
    expect(tail.last(0)).toEqual([]);
    expect(tailOf(100).last(5)).toEqual([]);
    expect(tailOf(100, '\n').last(5)).toEqual(['']);
  });

  it('keeps no more than its bytes', () => {
    expect(tailOf(4, '123456\n', 'ab\n').last(5)).toEqual(['', 'ab']);
    expect(tailOf(4, 'abcdefgh\n').last(5)).toEqual(['fgh']);
  });

  it('keeps the end of what came, however it came', () => {
    const tail = new LineTail(50);
    let all = '';
    for (let index = 0; index < 300; index++) {
      const text = `${'x'.repeat((index * 7) % 61)}${index}\n`;
      tail.add(Buffer.from(text));
      all += text;
      expect(tail.last(100)).toEqual(all.slice(-50).replace(/\n$/, '').split('\n'));
    }
  });

  it('cuts a long line', () => {
    expect(tailOf(5_000, `${'x'.repeat(3_000)}\n`).last(1)).toEqual(['x'.repeat(1_000)]);
  });
});
