import { WrittenTerminal } from '../../test/support/written-text.js';
import { configCommand } from './config-command.js';

it('writes each setting in one line, however narrow the terminal is', () => {
  const [narrow, wide] = [new WrittenTerminal({ columns: 20 }), new WrittenTerminal()];
  for (const { terminal } of [narrow, wide]) configCommand({}, terminal);
  const settings = (text: string): string[] =>
    text.split('\n').filter((line) => /^[A-Z_]+=/.test(line));
  expect(settings(wide.out).some(({ length }) => length > 20)).toBe(true);
  expect(settings(narrow.out)).toEqual(settings(wide.out));
});
