import { cleanJson, cleanLogLine, cleanText } from './clean-text.js';

const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ['a colour', 'a\u001b[31mb'],
  ['a cursor move', 'a\u001b[2J\u001b[1;1Hb'],
  ['a title (OSC, BEL)', 'a\u001b]0;title\u0007b'],
  ['a title (OSC, ST)', 'a\u001b]0;title\u001b\\b'],
  ['a device string', 'a\u001bPq#0\u001b\\b'],
  ['a C1 sequence', 'a\u009b2Jb'],
  ['a reset', 'a\u001bcb'],
  ['a bell and a NUL', 'a\u0007\u0000b'],
];

describe('cleanText', () => {
  it.each(HOSTILE)('takes %s away', (_name, text) => {
    expect(cleanText(text)).toBe('ab');
  });

  it('keeps to one line and one direction', () => {
    expect(cleanText('a\r\n\tb')).toBe('a b');
    expect(cleanText('user\u202egnp.exe\u200b')).toBe('usergnp.exe');
    expect(cleanText('größer 你好 🚀')).toBe('größer 你好 🚀');
  });

  it('leaves no control character of anything', () => {
    for (let code = 0; code < 0xa0; code++) {
      const left = cleanText(`a${String.fromCharCode(code)}[2Jb`);
      expect(left).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
  });
});

describe('cleanLogLine', () => {
  it.each(HOSTILE.slice(1))('takes %s away, with and without colours', (_name, text) => {
    expect(cleanLogLine(text, true)).toBe('ab');
    expect(cleanLogLine(text, false)).toBe('ab');
  });

  it('keeps colours to the end of the line where they are wanted', () => {
    const text = 'a\u001b[1;38:2:255:0:0mb\u001b[K';
    expect(cleanLogLine(text, true)).toBe('a\u001b[1;38:2:255:0:0mb\u001b[0m');
    expect(cleanLogLine(text, false)).toBe('ab');
  });

  it('keeps to one direction, and leaves what joins pictures', () => {
    const turns = [0x61c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2069];
    expect(cleanLogLine(`user${String.fromCharCode(...turns)}gnp.exe`, false)).toBe('usergnp.exe');
    expect(cleanLogLine('👩\u200d🚀', true)).toBe('👩\u200d🚀');
  });

  it.each([
    ['10%\r50%\r100%\r', '100%'],
    ['text\r', 'text'],
    ['text\r\r', 'text'],
    ['\rtext', 'text'],
    ['downloading\rdone', 'doneloading'],
    ['downloading\rdone\u001b[K', 'done'],
    ['downloading\r\u001b[Kdone', 'done'],
    ['downloading\u001b[2K\rdone', 'done'],
    ['downloading\rab\u001b[1Kc', '  cnloading'],
    ['downloading\u009bK\rdone\u009bK', 'done'],
    ['你好\ra', 'a 好'],
    ['ab你\r👩\u200d🚀', '👩\u200d🚀你'],
    ['e\u0301x\ry', 'yx'],
    ['\tindented', '\tindented'],
    ['a\tb\rc', 'c\tb'],
    ['bar   \rx', 'xar'],
    ['a\u001b]0;title\u0007b\rc', 'cb'],
  ])('shows what a carriage return leaves on a terminal: %j', (text, expected) => {
    expect(cleanLogLine(text, false)).toBe(expected);
  });

  it('keeps the colours of what a carriage return leaves', () => {
    const text = '\u001b[31mred line\u001b[0m\r\u001b[32mgo';
    expect(cleanLogLine(text, true)).toBe('\u001b[32mgo\u001b[31md line\u001b[0m');
    expect(cleanLogLine(text, false)).toBe('god line');
  });

  it.each([
    ['\u001b[1m', 64],
    ['\u001b[1;3;4;38;2;1;2;3m', 64],
    ['\u001b[22m\u001b[1;38;5;200m\u001b[4:3m', 64],
    [`\u001b[38:2:${'0'.repeat(1_000)}m`, 64],
    ['\r\u001b[7m', 64],
    ['\r', 64],
  ])('makes no more of a long line with many colours: %j', (sequence, kibibytes) => {
    const text = `x\ry${`${sequence}a`.repeat((kibibytes * 1024) / (sequence.length + 1))}`;
    const began = performance.now();
    expect(cleanLogLine(text, true).length).toBeLessThan(2 * text.length);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('takes many carriage returns in a row in a moment', () => {
    const began = performance.now();
    expect(cleanLogLine(`${'\r'.repeat(300_000)}a`, true)).toBe('a');
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('takes a long line with many of them in a moment', () => {
    const line = Array.from({ length: 20_000 }, (_, index) => `\r${index % 100}%`).join('');
    expect(cleanLogLine(line, true)).toBe('99%');
  });
});

it('cleanJson changes how JSON is written, not what it says', () => {
  const value = { text: 'a\u009b2J\u001b[31m\u007fuser\u202egnp.exe\u200b' };
  const json = cleanJson(JSON.stringify(value));
  expect(json).toMatch(/^[\u0020-\u007e]*$/);
  expect(JSON.parse(json)).toEqual(value);
});
