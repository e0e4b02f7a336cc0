import { OutputTail } from './output-tail.js';

describe('the end of an output', () => {
  const textOf = (...chunks: readonly string[]): string => {
    const tail = new OutputTail();
    for (const chunk of chunks) tail.add(Buffer.from(chunk));
    return tail.text;
  };

  it('is all of a short one, without white space around it', () => {
    expect(textOf('\n one\n', 'two ', '\n\n')).toBe('one\ntwo');
    expect(textOf()).toBe('');
    expect(textOf('x'.repeat(4096))).toHaveLength(4096);
  });

  it.each(['\n', '\r', '\r\n'])('holds no line that is cut, where lines end with %j', (ended) => {
    const secret = 'hunter-22'.repeat(50);
    const rest = 'y'.repeat(4000);
    expect(textOf(`token ${secret}${ended}`, rest)).toBe(rest);
    expect(textOf(...`token ${secret}${ended}${rest}`)).toBe(rest);
  });

  it('holds a line that is all there, up to its first byte', () => {
    expect(textOf('first\n', 'x'.repeat(4096))).toBe('x'.repeat(4096));
  });

  it('is nothing where its last line is longer than what is kept', () => {
    expect(textOf('one\n', 'x'.repeat(4097))).toBe('');
    expect(textOf('x'.repeat(3000), 'x'.repeat(3000))).toBe('');
  });
});
