import { tmpdir } from 'node:os';
import { PastingShell, wholeLines } from '../support/pasting-shell.js';

describe('PastingShell', () => {
  let shell: PastingShell;

  beforeEach(async () => {
    shell = await PastingShell.open(tmpdir(), { HOME: '/nowhere' });
  });
  afterEach(() => shell.close());

  it('keeps variables, functions and the folder, also after what fails', async () => {
    const lines = await shell.pasteAll(`
A=one
say() { printf '%s\\n' "$A $1"; }

cd /
false
# a comment
say two; pwd
echo "$HOME" >&2
false | true
`);
    expect(lines.map(({ code }) => code)).toEqual([0, 0, 0, 1, 0, 0, 0, 1]);
    expect(lines[5]?.said).toBe('one two\n/\n');
    expect(lines[6]?.said).toBe('/nowhere\n');
  });

  it('pastes what needs the next line as one', () => {
    const text = "echo a \\\n  b\ncat <<END\n'\nEND\nf() {\n  :\n}\necho '\n'\n";
    expect(wholeLines(text)).toEqual([
      'echo a \\\n  b',
      "cat <<END\n'\nEND",
      'f() {\n  :\n}',
      "echo '\n'",
    ]);
    expect(() => wholeLines("echo '")).toThrow('it does not end');
  });

  it('knows an exclamation mark as a terminal does', async () => {
    const { said } = await shell.paste('echo "one!two"');
    expect(said).toContain('event not found');
  });

  it('says which line ends bash', async () => {
    await expect(shell.paste('exit 3')).rejects.toThrow('at: exit 3');
  });
});
