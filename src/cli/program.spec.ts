import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { WrittenTerminal } from '../../test/support/written-text.js';
import { schemaDocument } from '../engine/definition/schema-document.js';
import { LoginStore } from './api/login-store.js';
import { temporaryFolder } from './command/file-problem.js';
import { describeProgram, runProgram } from './program.js';

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
      ['foo', '--help'],
      ["Unknown command 'foo'.", 'See ./millrace --help'],
    ],
    [
      ['help', 'strat'],
      ["Unknown command 'strat'.", 'Did you mean start?', 'See ./millrace --help'],
    ],
    [
      ['pipelines', 'foo', '--help'],
      ["Unknown command 'foo' of 'pipelines'.", 'See ./millrace pipelines --help'],
    ],
    [
      ['pipelines', 'help', 'foo'],
      ["Unknown command 'foo' of 'pipelines'.", 'See ./millrace pipelines --help'],
    ],
    [
      ['status', '--tokn=abc.def'],
      ["Unknown option '--tokn'.", 'See ./millrace status --help'],
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

describe('an error', () => {
  const environment = (more: Readonly<Record<string, string>>): void => {
    jest.replaceProperty(process, 'env', { ...process.env, ...more });
  };
  afterEach(() => jest.restoreAllMocks());

  it('of the configuration ends with 2', async () => {
    environment({ PORT: 'x' });
    expect(await ask('config')).toEqual({
      code: 2,
      out: '',
      err: 'millrace: The configuration is not usable:\n  PORT must be a whole number from 0 to 65535\n',
    });
  });

  it('names the folder for temporary files that is missing, and TMPDIR', async () => {
    await expect(temporaryFolder('x-', '/nope/gone')).rejects.toMatchObject({
      exitCode: 2,
      message:
        'The folder for temporary files /nope/gone cannot be used: there is no such file or folder.',
      suggestions: ['Make it, or name another one by TMPDIR.'],
    });
  });

  it.each([
    [['lint', tmpdir()], `${tmpdir()}: it is a folder; name a file`],
    [['lint', '/nope'], '/nope: there is no such file or folder'],
    [['schema', '--write', '/nope/x'], '/nope/x is not written: there is no such file or folder'],
    [['detect', '/nope'], '/nope: there is no such file or folder.'],
    [['run', '/nope'], '/nope: there is no such file or folder'],
    [
      ['status', '--server', 'ftp://ada:s3cret@host'],
      '"ftp://***@host" is not the address of a server.',
    ],
    [['status', '--server', 'ada:s3cret@'], '"***@" is not the address of a server.'],
    ...['shop#1', 'last'].map((reference): [string[], string] => [
      ['status', reference, '--limit', '20', '--server', 'http://127.0.0.1:1', '--token', 'x'],
      `--limit chooses among executions, and "${reference}" names one.`,
    ]),
  ])('of %j is words, with exit code 2', async (words, message) => {
    const { code, err } = await ask(...words);
    expect([code, err.split('\n')[0]]).toEqual([2, `millrace: ${message}`]);
  });

  it.each(['abc-secret\nd', 'abc-secret d', 'abc-secret\u00e9', ''])(
    'never shows a token: %j',
    async (token) => {
      const given = await ask('status', '--server', 'http://127.0.0.1:1', '--token', token);
      environment({ MILLRACE_TOKEN: token || ' ', MILLRACE_URL: 'http://127.0.0.1:1' });
      const inherited = await ask('status');
      expect([given.code, given.err]).toEqual([
        2,
        expect.stringMatching(/^millrace: The token of the flag --token is none: /),
      ]);
      expect(given.err + inherited.err).not.toContain('secret');
    },
  );

  it('that nobody foresaw has no stack, unless that was asked for', async () => {
    jest.spyOn(LoginStore.prototype, 'read').mockImplementation(() => {
      throw new TypeError('x\u001b[2J is not a function');
    });
    expect(await ask('status')).toEqual({
      code: 1,
      out: '',
      err: 'millrace: x is not a function\n',
    });
    environment({ MILLRACE_STACK: '1' });
    expect((await ask('status')).err).toMatch(/\n {4}at /);
  });
});

describe('schema', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'schema-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is that of pipeline files, printed or written', async () => {
    const { code, out, err } = await ask('schema');
    expect([code, err, JSON.parse(out)]).toEqual([0, '', schemaDocument()]);
    const file = join(folder, 'schema.json');
    expect(await ask('schema', '--write', file)).toMatchObject({ code: 0, out: '' });
    expect(readFileSync(file, 'utf8')).toBe(out);
  });
});

describe('help', () => {
  it.each([[['--help']], [['status', '--help']], [['pipelines', '--limit', '3', '--help']]])(
    'is there for %j',
    async (words) => {
      const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
      const { code, err } = await ask(...words);
      const lines = written.mock.calls.map(([text]) => String(text)).join('');
      written.mockRestore();
      expect([code, err, lines]).toEqual([0, '', expect.stringMatching(/^Usage: millrace/)]);
    },
  );
});

describe('every command', () => {
  const commands = allCommands(describeProgram(new WrittenTerminal().terminal, () => undefined));

  it.each(commands.flatMap((each) => wrongValues(each).map((words) => [words])))(
    '%j is told in four lines of 80 columns',
    async (words) => {
      const { code, err } = await ask(...words);
      const lines = err.split('\n').slice(0, -1);
      expect([code, lines.at(-1)]).toEqual([2, expect.stringContaining('  See ./millrace ')]);
      const shown = lines.reduce((sum, line) => sum + Math.ceil(line.length / 80), 0);
      expect([shown <= 4, err]).toEqual([true, err]);
    },
  );
});

/** All but groups, each with the words that name it. */
function allCommands(command: Command, words: readonly string[] = []): Named[] {
  if (command.commands.length === 0) return [{ command, words }];
  return command.commands.flatMap((each) => allCommands(each, [...words, each.name()]));
}

interface Named {
  readonly command: Command;
  readonly words: readonly string[];
}

/** Command lines with a value that no option of them takes, an unknown option, and too much. */
function wrongValues({ command, words }: Named): string[][] {
  const long = 'x'.repeat(500);
  const checked = command.options.filter(({ argChoices, parseArg }) => argChoices ?? parseArg);
  const takeAnything = ['--stage', '--step', '--fork-approvers', '--scope', '--protected-tag'];
  return [
    [...words, `--${long}`],
    ...checked
      .filter(({ long: name }) => !takeAnything.includes(name ?? ''))
      .map(({ long: name }) => [...words, name ?? '', long]),
  ];
}
