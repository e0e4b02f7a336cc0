import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import type { Scope } from '../../expression/scope.js';
import { TemplateError } from '../../expression/template.js';
import { PLAIN_STATUS } from '../../runtime/run-scope.js';
import { shellCommands } from './shell-commands.js';

function scopeOf(message: string): Scope {
  return {
    trigger: { message, branch: 'main' },
    env: {},
    inputs: {},
    matrix: {},
    pipeline: {},
    steps: () => ({ kind: 'unknown' }),
    stages: () => undefined,
    status: PLAIN_STATUS,
  };
}

/** What a real shell makes of a command; nothing but the variables is in its environment. */
function run(source: string, message: string, shell: 'sh' | 'bash' = 'sh'): string {
  const { commands, variables } = shellCommands([source], shell, scopeOf(message));
  const { stdout, stderr } = spawnSync(shell, ['-c', commands.join('\n')], {
    env: { PATH: '/usr/bin:/bin', ...variables },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'], // With a socket as its input bash would read ~/.bashrc.
  });
  return stdout + stderr;
}

const EVIL = `$(echo bad) \`echo bad\` "; echo bad; ' ; echo bad #\\ \${HOME} $HOME * end`;

describe('expressions in commands', () => {
  it('puts values into variables, one for each expression', () => {
    const { commands, variables } = shellCommands(
      ['a ${{ trigger.message }} ${{trigger.branch}}', 'b ${{ trigger.message }}', 'c'],
      'sh',
      scopeOf('x; y'),
    );
    expect(commands).toEqual([
      'a ${MILLRACE_EXPR_1} ${MILLRACE_EXPR_2}',
      'b ${MILLRACE_EXPR_1}',
      'c',
    ]);
    expect(variables).toEqual({ MILLRACE_EXPR_1: 'x; y', MILLRACE_EXPR_2: 'main' });
  });

  it.each([
    ['double quotes', 'printf %s "<${{ trigger.message }}>"'],
    ['single quotes', "printf %s '<${{ trigger.message }}>'"],
    ['single quotes after a comment', "true # it's\nprintf %s '<${{ trigger.message }}>'"],
    ['single quotes after an escaped one', "printf %s \\' '<${{ trigger.message }}>' | tail -c +2"],
    ['single quotes in a substitution', `printf %s "$(printf %s '<\${{ trigger.message }}>')"`],
    ['double quotes with an apostrophe', `printf %s "it's <\${{ trigger.message }}>" | tail -c +6`],
    ['a here-document', "cat <<EOF | tr -d '\\n'\n<${{ trigger.message }}>\nEOF"],
    [
      'single quotes after a here-document',
      "cat <<'EOF' >/dev/null\nit's\nEOF\nprintf %s '<${{ trigger.message }}>'",
    ],
    [
      'a here-document with tabs and an apostrophe before',
      "cat <<-EOF | tail -n 1 | tr -d '\\n'\n\tit's\n\t<${{ trigger.message }}>\n\tEOF",
    ],
    ['an assignment', 'X=${{ trigger.message }}; printf %s "<$X>"'],
  ])(
    'in %s a value arrives as it is, also in plans of an older release, which lint would refuse today',
    (_title, source) => {
      expect(run(source, EVIL)).toBe(`<${EVIL}>`);
      expect(run(source, EVIL, 'bash')).toBe(`<${EVIL}>`);
    },
  );

  it('without quotes is split into words and no more', () => {
    expect(run("printf '[%s]' ${{ trigger.message }}", '--a --b; echo $(x)')).toBe(
      '[--a][--b;][echo][$(x)]',
    );
  });

  it.each(["<<'EOF'", '<<"EOF"', '<<\\EOF', "<<-'EOF'"])('is refused inside %s', (opening) => {
    const source = `cat ${opening}\n\${{ trigger.message }}\nEOF`;
    expect(() => shellCommands([source], 'sh', scopeOf('x'))).toThrow(TemplateError);
  });

  it.each([
    ['an inner script', "sh -c 'echo ${{ trigger.message }}'"],
    ['backticks', 'echo "`echo ${{ trigger.message }}`"'],
    ['an operator', `echo "\${f#'\${{ trigger.message }}'}"`],
    [
      'a program inside a here-document',
      'cat <<EOF\n$(awk \'{print "${{ trigger.message }}"}\')\nEOF',
    ],
  ])(
    'in a plan of an older release fail the step in %s, and say what to write',
    (_title, source) => {
      const failing = () => shellCommands([source], 'sh', scopeOf('x'));
      expect(failing).toThrow(TemplateError);
      expect(failing).toThrow('set MESSAGE in environment and write "$MESSAGE"');
    },
  );

  it('leaves an escaped opening alone', () => {
    expect(shellCommands(["echo '$${{ x }}'"], 'sh', scopeOf('x')).commands).toEqual([
      "echo '${{ x }}'",
    ]);
  });

  it('throws for what cannot be evaluated', () => {
    expect(() => shellCommands(['${{ nonsense( }}'], 'sh', scopeOf(''))).toThrow(TemplateError);
    expect(() =>
      shellCommands(["${{ matches('x', trigger.message) }}"], 'sh', scopeOf('(')),
    ).toThrow(TemplateError);
  });

  it('never holds a value, whatever stands around it', () => {
    const scrap = fc.constantFrom(
      "'",
      '"',
      '`',
      '$(',
      ')',
      '\\',
      '#',
      '\n',
      ' ',
      '<<E',
      '<<"E"',
      'E',
      '((',
      'x',
    );
    fc.assert(
      fc.property(fc.array(scrap), fc.array(scrap), (before, after) => {
        const source = `${before.join('')}\${{ trigger.message }}${after.join('')}`;
        try {
          const { commands } = shellCommands([source], 'sh', scopeOf('VALUE; $(evil)'));
          expect(commands[0]).not.toContain('VALUE');
          expect(commands[0]).toContain('${MILLRACE_EXPR_1}');
        } catch (error) {
          expect(error).toBeInstanceOf(TemplateError);
        }
      }),
    );
  });
});
