/**
 * Programs and builtins that make code of what they are given, as far as that can be known by their
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
    'concurrently cross-env-shell eval trap . source let declare typeset alias unalias unset read mapfile readarray getopts wait enable bind ' +
    'complete compgen compopt fc history shopt hash jobs ulimit coproc select function ' +
    'su runuser ssh at batch crontab watch parallel script expect screen tmux sed gsed ed ex vi vim gdb lldb'
  ).split(' '),
);

/**
 * Those of them that are named in the middle of a command too, behind what starts them: `docker
 * exec web su`, `find src -exec sed`. The others are words of every day there: `npm run watch`.
 */
const NAMED_ANYWHERE: ReadonlySet<string> = new Set(
  'su runuser ssh sed gsed crontab expect tmux vi vim concurrently cross-env-shell'.split(' '),
);

/** Whether a word in the middle of a command names one. */
export function runsItsArgumentAsCode(word: string): boolean {
  return NAMED_ANYWHERE.has(withoutBin(word));
}

/** `ssh` of `/usr/bin/ssh`; `/etc/ssh` is no program, and stays. */
export function withoutBin(word: string): string {
  return word.replace(/^\/(?:\S+\/)?s?bin\//, '');
}

const NPM = /^(-c|--call|--shell-mode)(=|$)/;
const GIT_OPTION = /^(foreach$|--(exec|extcmd|upload-pack|receive-pack|[a-z]+-filter)(=|$))/;
/** Settings of git whose values it runs, or that lead to such ones: git-config(1). */
const GIT_SETTING =
  /^(alias|browser|credential|diff|difftool|filter|gpg|guitool|include|includeif|instaweb|interactive|man|merge|mergetool|pager|protocol|remote|sendemail|sequence|submodule|trailer|uploadpack)\.|^core\.(askpass|editor|fsmonitor|gitproxy|hookspath|pager|sshcommand)\b/i;
const GIT = new RegExp(`${GIT_OPTION.source}|${GIT_SETTING.source}`, 'i');

/** Words of a program behind which it takes text for a shell: `npx -c`, `git rebase --exec`. */
export const TAKES_CODE_BEHIND: ReadonlyMap<string, RegExp> = new Map([
  ...['npm', 'npx', 'pnpm', 'pnpx', 'yarn'].map((name) => [name, NPM] as const),
  ['git', GIT],
  ['tar', /^--(to-command|checkpoint-action|info-script|new-volume-script)(=|$)/],
  ['make', /^--eval(=|$)/],
  ['gmake', /^--eval(=|$)/],
  ['nodemon', /^(-x|--exec)(=|$)/],
]);

/** Builtins to which every value is a value, also in several words. */
export const HARMLESS: ReadonlySet<string> = new Set(['echo', ':', 'true', 'false', 'cd', 'pushd', 'exit', 'return']); // prettier-ignore

/** Set variables by words `NAME=value`. */
export const SETS_VARIABLES: ReadonlySet<string> = new Set(['export', 'readonly', 'local']);

const SPECIAL = new Set(
  'PATH IFS ENV BASH_ENV SHELLOPTS BASHOPTS PROMPT_COMMAND PS0 PS1 PS2 PS3 PS4 RANDOM SRANDOM SECONDS LINENO OPTIND HISTCMD BASHPID EPOCHSECONDS EPOCHREALTIME COLUMNS LINES UID EUID PPID PERL5OPT PERL5LIB PERL5DB PYTHONSTARTUP PYTHONPATH PYTHONHOME RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH EDITOR VISUAL PAGER BROWSER LESSOPEN LESSCLOSE MAKEFLAGS JAVA_TOOL_OPTIONS JDK_JAVA_OPTIONS _JAVA_OPTIONS SHELL ZDOTDIR TAR_OPTIONS RSYNC_RSH CVS_RSH LUA_INIT LUA_PATH LUA_CPATH PYTHONWARNINGS PYTHONBREAKPOINT PHPRC PHP_INI_SCAN_DIR TCLLIBPATH R_PROFILE GOFLAGS RUSTC_WRAPPER MAKEFILES GNUMAKEFLAGS MAVEN_OPTS GRADLE_OPTS ANT_OPTS'.split(
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
    /_(EDITOR|PAGER|ASKPASS)$|^MANPAGER$/.test(name) ||
    /^npm_config_(script_shell|shell|node_options|git|editor)$/i.test(name) ||
    /^GIT_.*(COMMAND|SSH|EDITOR|PAGER|EXEC_PATH|ASKPASS|CONFIG|PROXY|DIFF|TEMPLATE)/.test(name)
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
