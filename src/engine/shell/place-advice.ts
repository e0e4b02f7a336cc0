import { redactUrls } from '../../common/values/redact-urls.js';
import type { Refusal } from './shell-tree.js';

/** What lint says of a place where an expression cannot stand: why, and the way that works. */
export interface Advice {
  readonly message: string;
  readonly suggestion: string;
}

const MAX_SHOWN = 120;

export function adviceFor(why: Refusal, source: string): Advice {
  return {
    message: `${shown(source)} cannot stand here: ${reasonText(why)}.`,
    suggestion: suggestionFor(why, source),
  };
}

/** For the reason of a step that was stored before lint refused such places. */
export function refusalText(why: Refusal, source: string): string {
  const name = variableName(source);
  const value = ownVariable(source) === undefined ? `set ${name} in environment and ` : '';
  return `${shown(source)} cannot stand in this place of a command: ${reasonText(why)}; ${value}write "$${name}"`;
}

/**
 * The expression as it is shown: on one line, not all of a long one, and nothing secret of a URL.
 */
function shown(source: string): string {
  const line = redactUrls(source).replace(/\s+/g, ' ');
  return `\${{ ${line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}…` : line} }}`;
}

function reasonText(why: Refusal): string {
  switch (why.kind) {
    case 'unclear':
      return `what a shell makes of it is not sure, because of ${why.what} in line ${String(why.line)} of the commands`;
    case 'single_quotes':
      return 'inside single quotes a shell fills in nothing';
    case 'long':
      return 'the command has too many words';
    case 'heredoc':
      return why.quoted
        ? 'a here-document with a quoted end is filled in by nothing'
        : 'it is inside a here-document';
    case 'substitution':
      return 'it is inside $(…)';
    case 'comment':
      return 'it is inside a comment';
    case 'arithmetic':
      return 'bash evaluates the text of a value in arithmetic, which can run commands';
    case 'pattern':
      return 'it is inside a pattern of "case"';
    case 'program':
      return 'the value would decide which program runs, or what is set';
    case 'code':
      return `${why.program} may run the value as code`;
    case 'special_variable':
      return `the value of ${why.name} may be run as code, or decides which program runs`;
    case 'unquoted':
      return 'without double quotes the value could become several words';
  }
}

function suggestionFor(why: Refusal, source: string): string {
  if (why.kind === 'unquoted') return `Write it in double quotes: "${shown(source)}"`;
  if (why.kind === 'comment') return 'Remove it from the comment';
  const name = variableName(source);
  const isOwn = ownVariable(source) !== undefined;
  const set = isOwn ? '' : `At the step: environment: { ${name}: "${shown(source)}" }; `;
  return `${set}${isOwn ? 'Here' : 'here'} ${wayFor(why, name)}`;
}

function wayFor(why: Refusal, name: string): string {
  switch (why.kind) {
    case 'single_quotes':
      return `end the single quotes round it: '"$${name}"'`;
    case 'heredoc':
      return why.quoted ? `$${name}, and the end without quotes` : `$${name}`;
    case 'arithmetic':
      return `first: case "$${name}" in (''|*[!0-9]*) exit 1;; esac, then $${name}`;
    case 'program':
    case 'special_variable':
      return `choose among texts of your own: case "$${name}" in …`;
    case 'code':
      return wayOfProgram(why.program, name);
    case 'unclear':
      return `"$${name}" where a shell fills in variables, or let the program read it from its environment`;
    default:
      return `"$${name}"`;
  }
}

/** The program reads the variable itself: so its own quotes protect the value. */
function wayOfProgram(program: string, name: string): string {
  if (/^(\[\[?|test)$/.test(program)) {
    return `[ "$${name}" = … ] (or -gt and its like), in no other form`;
  }
  if (program === 'printf') return `printf '%s' "$${name}"`;
  if (/^(ba|da|a|k|mk|z)?sh$/.test(program)) {
    return `in single quotes, so that the inner shell reads it: ${program} -c '… "$${name}" …'`;
  }
  const inside = environmentIn(program, name);
  if (inside !== undefined) return `let the program read ${inside}`;
  return `let a script or a program read the variable ${name}; never make it part of code`;
}

function environmentIn(program: string, name: string): string | undefined {
  if (/awk$/.test(program)) return `ENVIRON["${name}"]`;
  if (/^(node|bun|deno)/.test(program)) return `process.env.${name}`;
  if (program.startsWith('perl')) return `$ENV{${name}}`;
  if (program.startsWith('ruby')) return `ENV["${name}"]`;
  if (program.startsWith('php')) return `getenv("${name}")`;
  return /^(python|pypy)/.test(program) ? `os.environ["${name}"]` : undefined;
}

/** `env.X` is in the environment already. */
function ownVariable(source: string): string | undefined {
  return /^env\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(source)?.[1];
}

/** Names that mean something to the platform, a shell or a program that it starts. */
const TAKEN = /^(CI|CI_.*|PATH|HOME|TMPDIR|LANG|SHELL|USER|LOGNAME|TERM|ENV|IFS)$/;

function variableName(source: string): string {
  const own = ownVariable(source);
  if (own !== undefined) return own;
  const last = /([A-Za-z_][A-Za-z0-9_]*)$/.exec(source)?.[1];
  const name = (last ?? 'VALUE').toUpperCase();
  return TAKEN.test(name) ? `MY_${name}` : name;
}
