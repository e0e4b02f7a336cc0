import { SHELL_PROGRAMS } from '../../../engine/steps/shell/shell-action.js';
import type { ContainerAction } from '../../../engine/steps/container/container-action.js';
import { CONTAINER_SCRIPT, CONTAINER_TOLD, CONTAINER_WORKSPACE } from './container-files.js';
import { shellArguments } from './shell-command.js';

/** What the first words of ours tell, by one letter. */
export const TOLD = {
  /** The image has a shell, and it runs. */
  begun: 'b',
  missing: 'm',
  outside: 'o',
  /** The shell that the step asks for is not there. */
  noShell: 's',
} as const;

/**
 * Runs in the container before the commands, as their user; $1: folder below the workspace, the
 * rest: the shell with the commands. A home that cannot be written is replaced. Only what every
 * shell has by itself is used: the image may have nothing else.
 */
const FIRST_WORDS = `
tell() { printf "$1" >${CONTAINER_TOLD}; }
tell ${TOLD.begun}
if ! cd -P -- "./$1" 2>/dev/null; then tell ${TOLD.missing}; exit 126; fi
case $PWD/ in ${CONTAINER_WORKSPACE}/*) ;; *) tell ${TOLD.outside}; exit 126 ;; esac
shift
if ! command -v -- "$1" >/dev/null; then tell ${TOLD.noShell}; exit 127; fi
[ -w "$HOME" ] || mkdir -p -- "$HOME" 2>/dev/null
if ! [ -w "$HOME" ]; then
  HOME=/tmp/millrace-home
  mkdir -p -- "$HOME" 2>/dev/null || HOME=/
  export HOME
fi
unset -f tell
`;
/** Both outputs become one here, before anything is written: engines keep no order of two. */
const MERGED = `${FIRST_WORDS}exec "$@" 2>&1\n`;
const SEPARATE = `${FIRST_WORDS}exec "$@"\n`;

interface ContainerCommand {
  readonly entrypoint?: readonly string[] | undefined;
  readonly command?: readonly string[] | undefined;
  /** Where it begins. */
  readonly directory: string;
}

/**
 * What a container runs. Commands go by a shell of the image in the place of the image's own
 * entrypoint; the step's `entrypoint` gets that shell as its arguments. Without commands the image
 * runs what it runs by itself.
 */
export function containerCommand(
  action: ContainerAction,
  script: string,
  isFile: boolean,
): ContainerCommand {
  const { entrypoint, workingDirectory = '' } = action;
  if (action.commands.length === 0) {
    const directory = workingDirectory === '' ? '' : `/${workingDirectory}`;
    return { entrypoint, directory: `${CONTAINER_WORKSPACE}${directory}` };
  }
  const words = action.separateStreams ? SEPARATE : MERGED;
  // By its name: images have bash at several places.
  const program = action.shell === 'sh' ? SHELL_PROGRAMS.sh : action.shell;
  const shell = [
    program,
    ...shellArguments(action.shell, script, isFile ? CONTAINER_SCRIPT : undefined),
  ];
  const all = [SHELL_PROGRAMS.sh, '-c', words, 'sh', workingDirectory, ...shell];
  return {
    entrypoint: entrypoint ?? all.slice(0, 1),
    command: entrypoint ? all : all.slice(1),
    directory: CONTAINER_WORKSPACE,
  };
}
