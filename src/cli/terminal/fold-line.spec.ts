import stringWidth from 'string-width';
import { foldLine } from './fold-line.js';

const WORDS = 'one of the words that are in a reason which somebody has written at length';

describe('foldLine', () => {
  it.each([
    ['short', 'short'],
    [
      'Reason    the disk is full of old files',
      'Reason    the disk is full\n          of old files',
    ],
    ['  a warning that does not fit into it', '  a warning that does not\n      fit into it'],
    ['├─ a  failed  ends with exit code', '├─ a  failed  ends with\n              exit code'],
    ['a-word-that-is-longer-than-all-of-it', 'a-word-that-is-longer-than-all-of-it'],
    [
      '  All of it: ./millrace logs last --step unit',
      '  All of it:\n      ./millrace logs last --step unit',
    ],
    [
      'All of it: MILLRACE_HOME=/var/lib/mine ./millrace logs last',
      'All of it:\n    MILLRACE_HOME=/var/lib/mine ./millrace logs last',
    ],
    [
      "  Seen by A='it'\\''s mine' B= ./millrace logs last",
      "  Seen by\n      A='it'\\''s mine' B= ./millrace logs last",
    ],
    ['a setting of NAME=value and more', 'a setting of NAME=value\n    and more'],
  ])('%j', (line, expected) => {
    expect(foldLine(line, 26)).toBe(expected);
  });

  it('counts what is seen: no colours, and wide characters twice', () => {
    const painted = '\u001b[31mone two\u001b[0m';
    expect(foldLine(painted, 7)).toBe(painted);
    expect(foldLine('你好 你好', 8)).toBe('你好\n    你好');
  });

  it('keeps every word', () => {
    const lines = foldLine(`Why  ${WORDS}`, 20).split('\n');
    expect(lines.map((line) => line.trim()).join(' ')).toBe(`Why  ${WORDS}`);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(20);
  });
});
