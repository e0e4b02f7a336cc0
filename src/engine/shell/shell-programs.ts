/**
 * Programs and builtins that make code of what they are given, as far as that can be told by their
 * names.
 */

const SHELLS = [
  'sh',
  'bash',
  'dash',
  'ash',
  'ksh',
  'mksh',
  'zsh',
  'fish',
  'csh',
  'tcsh',
  'busybox',
];
const LANGUAGES = ['python', 'pypy', 'perl', 'ruby', 'node', 'nodejs', 'deno', 'bun', 'php', 'lua'];
const LANGUAGES_TOO = ['pwsh', 'powershell', 'osascript', 'tclsh', 'Rscript', 'groovy', 'scala'];

/** Start another program, which one of the words names. */
export const WRAPPERS: ReadonlySet<string> = new Set(
  'env sudo doas nice nohup time timeout exec command builtin xargs stdbuf setsid ionice chrt taskset strace flock chronic'.split(
    ' ',
  ),
);

/**
 * Whatever they are given is code, runs as code later, or is a name in which a shell evaluates
 * `a[$(…)]`.
 */
export const TAKES_CODE: ReadonlySet<string> = new Set(
  (
    'eval trap . source let declare typeset alias unalias unset read mapfile readarray getopts wait enable bind ' +
    'complete compgen compopt fc history shopt hash jobs ulimit coproc select function ' +
    'su runuser ssh at batch crontab watch parallel script expect screen tmux sed gsed ed ex vi vim'
  ).split(' '),
);

/** Builtins to which every value is a value, also in several words. */
export const HARMLESS: ReadonlySet<string> = new Set(['echo', ':', 'true', 'false', 'cd', 'pushd', 'exit', 'return']); // prettier-ignore

/** Set variables by words `NAME=value`. */
export const SETS_VARIABLES: ReadonlySet<string> = new Set(['export', 'readonly', 'local']);

const SPECIAL = new Set(
  'PATH IFS ENV BASH_ENV SHELLOPTS BASHOPTS PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 RANDOM SRANDOM SECONDS LINENO OPTIND HISTCMD BASHPID EPOCHSECONDS EPOCHREALTIME COLUMNS LINES UID EUID PPID PERL5OPT PERL5LIB PERL5DB PYTHONSTARTUP PYTHONPATH PYTHONHOME RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH EDITOR VISUAL PAGER BROWSER LESSOPEN LESSCLOSE MAKEFLAGS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS'.split(
    ' ',
  ),
);

/**
 * Variables whose value a shell or a program that it starts evaluates, or by which programs are
 * found.
 */
export function isSpecialVariable(name: string): boolean {
  return (
    SPECIAL.has(name) ||
    /^(LD_|DYLD_|BASH_FUNC_|MILLRACE_)/.test(name) ||
    /^GIT_.*(COMMAND|SSH|EDITOR|PAGER|EXEC_PATH|ASKPASS|CONFIG|PROXY)/.test(name)
  );
}

export type Interpreter = 'shell' | 'awk' | 'language';

const INTERPRETERS = new Map<string, Interpreter>([
  ...SHELLS.map((name) => [name, 'shell'] as const),
  ...['awk', 'gawk', 'mawk', 'nawk'].map((name) => [name, 'awk'] as const),
  ...[...LANGUAGES, ...LANGUAGES_TOO].map((name) => [name, 'language'] as const),
]);

/** What kind of interpreter a word names: `bash`, `/usr/bin/python3.12`. */
export function interpreterOf(word: string): Interpreter | undefined {
  const name = baseName(word);
  return INTERPRETERS.get(name) ?? INTERPRETERS.get(name.replace(/[\d.]+$/, ''));
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
