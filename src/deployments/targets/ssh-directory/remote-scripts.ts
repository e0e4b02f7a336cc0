import { posixWord } from '../../../common/values/posix-words.js';

/** What comes before this line was said by the user's shell, and not by a script of ours. */
export const SAYS = 'millrace-says:\n';
/** A script that says no ends with it, after `refused <code> <why>`. */
export const REFUSED_EXIT = 90;
export const REFUSALS = ['path_taken', 'path_unusable', 'remote_tool_missing'] as const;

const PRELUDE = `
LC_ALL=C; export LC_ALL; umask 022; printf '${SAYS.trimEnd()}\\n'
refuse() { printf 'refused %s %s\\n' "$1" "$2"; exit ${REFUSED_EXIT}; }
written() { sync -f "$1" 2>/dev/null || sync; }
`;

/** A command for the user's shell: POSIX sh runs the script, with these as "$1", "$2", … */
export function scriptCommand(script: string, args: readonly string[]): string {
  const words = [`${PRELUDE}${script}`, 'millrace', ...args].map(posixWord);
  return `exec /bin/sh -c ${words.join(' ')}`;
}

/** Folder, mark. Says `closed <folder>` of one above that others cannot enter. */
export const CHECK = `
d=$1 missing=
for tool in cat chmod find head ln mkdir mv readlink rm sha256sum stat sync tar; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -z "$missing" ] || refuse remote_tool_missing "$missing"
stat -c %a / >/dev/null 2>&1 || refuse remote_tool_missing ' stat -c'
if [ -L "$d" ]; then refuse path_unusable 'it is a link'; fi
if [ -e "$d" ] && ! [ -d "$d" ]; then refuse path_unusable 'it is no folder'; fi
if [ -s "$d/.millrace-service" ] && [ "$(cat "$d/.millrace-service")" != "$2" ]; then
  refuse path_taken "$(head -c 300 "$d/.millrace-service")"
fi
if [ -e "$d/current" ] && ! [ -L "$d/current" ]; then
  refuse path_unusable 'current is there and no link of ours: move it away'
fi
while d=\${d%/*}; [ -n "$d" ]; do
  case $(stat -c %a "$d" 2>/dev/null) in
    *[0246]) [ -d "$d" ] && { printf 'closed %s\\n' "$d"; exit 0; } ;;
  esac
done
exit 0
`;

/** Folder, mark, number: makes the folder of a service, and in it an empty one to unpack into. */
export const BEGIN = `
d=$1 new=$1/releases/.unpack-$3
if [ -L "$d" ]; then refuse path_unusable 'it is a link'; fi
said=$(mkdir -p "$d" 2>&1) || refuse path_unusable "$said"
if ! [ -s "$d/.millrace-service" ]; then
  said=$(printf '%s\\n' "$2" 2>&1 >"$d/.millrace-service") || refuse path_unusable "$said"
fi
[ "$(cat "$d/.millrace-service")" = "$2" ] ||
  refuse path_taken "$(head -c 300 "$d/.millrace-service")"
for name in releases shared; do
  if [ -L "$d/$name" ]; then refuse path_unusable "$name is a link"; fi
  said=$(mkdir -p "$d/$name" 2>&1) || refuse path_unusable "$said"
done
rm -rf "$d"/releases/.unpack-* "$d/releases/$3" && mkdir "$new"
`;

/** Folder, number. The tar is the standard input. */
export const UNPACK = `
cd "$1/releases/.unpack-$2" && exec tar -x -o -f -
`;

/** Folder, number, modes of files and of folders; then each shared folder, and what it links to. */
export const FINISH = `
d=$1 n=$2 files=$3 folders=$4
shift 4
walk() {
  at=$1 rest=$2
  while [ -n "$rest" ]; do
    at=$at/\${rest%%/*}
    case $rest in */*) rest=\${rest#*/} ;; *) rest= ;; esac
    if [ -L "$at" ]; then refuse path_unusable "$at is a link"; fi
    [ -d "$at" ] || mkdir "$at" || exit 1
  done
}
cd "$d/releases/.unpack-$n" || exit 1
while [ $# -gt 0 ]; do
  walk "$d/shared" "$1"
  case $1 in */*) walk . "\${1%/*}" ;; esac
  if [ -e "./$1" ] || [ -L "./$1" ]; then refuse path_unusable "$1 is in the release"; fi
  ln -s "$2" "./$1" || exit 1
  shift 2
done
find . -type d -exec chmod "$folders" {} + &&
find . -type f -exec chmod "$files" {} + &&
written .
`;

/**
 * Folder of a release: says `gone`, or for each batch of files their number, that many lines of
 * mode and size, and that many lines of sha256sum.
 */
export const LIST_FILES = `
[ -d "$1" ] || { echo gone; exit 0; }
cd "$1" && find . -type f -exec /bin/sh -c '
  echo "$#"; stat -c "%a %s" "$@" && sha256sum "$@"
' sh {} +
`;

/** Folder of a release: each link and what it leads to, then what is nothing usual; with NULs. */
export const LIST_OTHERS = `
[ -d "$1" ] || exit 0
cd "$1" && find . -type l -exec /bin/sh -c '
  for f; do printf "link\\000%s\\000" "$f" && readlink -n "$f" && printf "\\000" || exit 1; done
' sh {} + && find . ! -type l ! -type f ! -type d -exec /bin/sh -c '
  for f; do printf "special\\000%s\\000\\000" "$f"; done
' sh {} +
`;

/** Folder, number: what was unpacked gets its name. */
export const PUBLISH = `
mv -T "$1/releases/.unpack-$2" "$1/releases/$2" && written "$1"
`;

/** Folder. */
export const DISARM = `
[ -d "$1" ] || exit 0
rm -f "$1"/.armed-*
`;

/** Folder, number, token. */
export const ARM = `
rm -f "$1"/.armed-* && ln -s "releases/$2" "$1/.armed-$3"
`;

/** Folder, token: one rename(2). */
export const SWITCH = `
mv -f -T "$1/.armed-$2" "$1/current" && written "$1"
`;

/** Folder: what \`current\` leads to. */
export const SERVING = `
if [ -L "$1/current" ]; then readlink -n "$1/current"; fi
`;

/**
 * Folder: what \`current\` leads to, and each file of it; with NULs. What cannot be read is not
 * told: nothing but a warning needs it.
 */
export const LIST_SERVING = `
case $(readlink "$1/current" 2>/dev/null) in releases/*) ;; *) exit 0 ;; esac
readlink -n "$1/current" && printf '\\000' && cd "$1/current/" 2>/dev/null || exit 0
find . -type f -exec /bin/sh -c '
  for f; do printf "%s\\000" "$f"; done
' sh {} + 2>/dev/null
exit 0
`;

/** Folder, number, mark: nothing of another service is touched. */
export const REMOVE = `
[ -d "$1/releases" ] || exit 0
[ "$(cat "$1/.millrace-service" 2>/dev/null)" = "$3" ] || exit 0
if [ -L "$1/releases" ]; then refuse path_unusable 'releases is a link'; fi
if [ "$(readlink "$1/current")" = "releases/$2" ]; then echo serves; exit 0; fi
rm -rf "$1"/releases/.unpack-* "$1/releases/$2"
`;

/** Folder, mark: nothing of ours serves any more. */
export const WITHDRAW = `
[ "$(cat "$1/.millrace-service" 2>/dev/null)" = "$2" ] || exit 0
rm -f "$1"/.armed-*
case $(readlink "$1/current") in releases/*) rm -f "$1/current" && written "$1" ;; esac
`;

/** Folder, mark: of a service without releases; `shared` stays where anything is in it. */
export const FORGET = `
[ "$(cat "$1/.millrace-service" 2>/dev/null)" = "$2" ] || exit 0
rmdir "$1/releases" "$1/shared" 2>/dev/null
rm -f "$1/.millrace-service"
`;
