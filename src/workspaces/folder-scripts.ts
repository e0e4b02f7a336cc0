/**
 * What is done inside folders of the steps, as text for `/bin/sh`. All of it runs as the step user
 * (`StepUserScripts`), so a link, a rename or a pipe that a step puts in its way leads nowhere that
 * the step could not go by itself. `cd ./NAME`: a name may begin with a dash.
 */

/** Exit codes by which a script answers. */
export const OUTSIDE = 3;
export const MISSING = 4;
export const TAKEN = 5;

/**
 * $1: workspace. $2: folder below it. Prints the real path of both, each ended by NUL; exits with
 * `OUTSIDE` or `MISSING`. What the step may not enter is judged by where its links lead.
 */
export const RESOLVE = `
cd -P -- "$1" || exit 1
printf '%s\\0' "$PWD"
if ! cd -P -- "./$2" 2>/dev/null; then
  case $(readlink -m -- "./$2")/ in "$PWD"/*) exit ${MISSING} ;; *) exit ${OUTSIDE} ;; esac
fi
printf '%s\\0' "$PWD"
`;

/**
 * $1: workspace, the rest: names that lead to a folder below it. Goes there, as far as it is there,
 * through links that stay inside; what is not there yet is left in `$@`. Exits with `OUTSIDE` or
 * `TAKEN`.
 */
const GO_TO_TARGET = `
cd -P -- "$1" || exit 1
shift
root=$PWD
while [ $# -gt 0 ] && { [ -e "./$1" ] || [ -L "./$1" ]; }; do
  [ -L "./$1" ] || [ -d "./$1" ] || exit ${TAKEN}
  cd -P -- "./$1" 2>/dev/null || exit ${OUTSIDE}
  case $PWD/ in "$root"/*) ;; *) exit ${OUTSIDE} ;; esac
  shift
done
if [ $# -eq 0 ]; then
  first=$(find . -mindepth 1 -maxdepth 1 -print -quit) || exit 1
  [ -z "$first" ] || exit ${TAKEN}
fi
`;

/**
 * $1: workspace, the rest: names of the folder to clone into. Exits with 0 when it is empty or not
 * there.
 */
export const CHECK_TARGET = GO_TO_TARGET;

/**
 * $1: folder whose entries are moved. $2: workspace, the rest: names. Makes the target and moves
 * all entries in.
 */
export const MOVE_IN = `
from=$1
shift
${GO_TO_TARGET}
for name do
  mkdir -m 0755 -- "./$name" && cd -P -- "./$name" || exit ${TAKEN}
done
find "$from" -mindepth 1 -maxdepth 1 -exec mv -n -t . -- {} + || exit 1
[ -z "$(find "$from" -mindepth 1 -maxdepth 1 -print -quit)" ] || exit ${TAKEN}
`;

/**
 * $1: folder whose entries are put into the folder $2, where they take the place of files of their
 * names; what else is there stays. Nothing is written through a link that is in the place of a
 * file.
 */
export const MERGE_IN = `
cd -P -- "$2" || exit 1
exec cp -a -l --remove-destination -- "$1/." .
`;

/**
 * $@: folders. Empties them, also of folders without any permission and of paths longer than
 * PATH_MAX: the programs open each folder from the one above it. The folders themselves stay, since
 * their parent is not the step user's. Only folders get permissions: a file may have a second name
 * outside, and its mode is of both. Prints one path that is left, or nothing.
 */
export const EMPTY = `
chmod u+rwx -- "$@" 2>/dev/null
find "$@" -mindepth 1 -type d ! -perm -700 -execdir chmod u+rwx -- {} \\; 2>/dev/null
rm -rf -- "$@" 2>/dev/null
exec find "$@" -mindepth 1 -print -quit 2>/dev/null
`;
