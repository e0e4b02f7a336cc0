import { WrittenTerminal } from '../../test/support/written-text.js';
import { runProgram } from './program.js';

async function ask(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const written = new WrittenTerminal();
  const code = await runProgram(['node', 'millrace', ...words], written.terminal);
  return { code, out: written.out, err: written.err };
}

describe('a mistake in the command line', () => {
  it.each([
    [['strat'], ["Unknown command 'strat'.", 'Did you mean start?', 'See ./millrace --help']],
    [['xyzzy'], ["Unknown command 'xyzzy'.", 'See ./millrace --help']],
    [
      ['status', '--josn'],
      ["Unknown option '--josn'.", 'Did you mean --json?', 'See ./millrace status --help'],
    ],
    [
      ['repositories', 'chekc', 'acme/shop'],
      [
        "Unknown command 'chekc' of 'repositories'.",
        'Did you mean check?',
        'See ./millrace repositories --help',
      ],
    ],
    [
      ['pipelines', 'xyzzy'],
      ["Unknown command 'xyzzy' of 'pipelines'.", 'See ./millrace pipelines --help'],
    ],
    [
      ['services', 'default/shop'],
      [
        "Unknown command 'default/shop' of 'services'.",
        'To see default/shop: ./millrace services show default/shop',
        'See ./millrace services --help',
      ],
    ],
    [
      ['services', 'a b'],
      ["Unknown command 'a b' of 'services'.", 'See ./millrace services --help'],
    ],
    [
      ['pipelines', 'list', 'shop'],
      [
        "Too many arguments for 'list'. Expected 0 arguments but got 1.",
        'See ./millrace pipelines list --help',
      ],
    ],
    [
      ['secrets', 'set'],
      ["Missing required argument 'name'.", 'See ./millrace secrets set --help'],
    ],
    [
      ['status', '--limit', 'x'],
      [
        "Option '--limit <number>' argument 'x' is invalid. It must be a whole number from 1 to 200.",
        'See ./millrace status --help',
      ],
    ],
    [
      ['status', '--state', 'x\u001b[2J'],
      [
        expect.stringMatching(
          /^Option '--state <status>' argument 'x' is invalid\. Allowed choices/,
        ),
        'See ./millrace status --help',
      ],
    ],
  ])('%j is told in a few lines, not by the whole help', async (words, lines) => {
    const { code, out, err } = await ask(...words);
    const [first = '', ...rest] = err.split('\n').slice(0, -1);
    expect([code, out]).toEqual([2, '']);
    expect([first.replace(/^millrace: /, ''), ...rest.map((line) => line.trim())]).toEqual(lines);
  });

  it('is JSON where that was asked for', async () => {
    const { code, err } = await ask('status', '--json', '--limt', '3');
    expect([code, JSON.parse(err)]).toMatchObject([
      2,
      {
        error: 'ValidationError',
        message: "Unknown option '--limt'.",
        suggestions: ['Did you mean --limit?', 'See ./millrace status --help'],
      },
    ]);
  });
});
