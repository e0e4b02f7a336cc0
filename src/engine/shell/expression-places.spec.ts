import { ownTime } from '../../../test/support/own-time.js';
import { parseTemplate, type Template } from '../expression/template.js';
import { expressionPlaces, type Shell } from './expression-places.js';

const V = '${{ trigger.branch }}';

function templateOf(text: string): Template {
  const parsed = parseTemplate(text);
  if (!parsed.ok) throw new Error(`not a template: ${text}`);
  return parsed.template;
}

function places(text: string, shell: Shell = 'sh'): string[] {
  return expressionPlaces([templateOf(text)], shell).map((place) =>
    place.kind === 'word' ? 'word' : place.why.kind,
  );
}

describe('places of expressions', () => {
  it.each([
    `echo ${V}`,
    `echo "${V}"`,
    `echo "it's ${V}"`,
    `./deploy --to="${V}" a${V}b`,
    `X="${V}" make; Y=${V}`,
    `export X="${V}"`,
    `[ "${V}" = main ] && echo yes`,
    `if test -n "${V}"; then echo "${V}"; elif false; then :; else echo ${V}; fi`,
    `for x in a "${V}"; do echo "$x"; done`,
    `case "${V}" in main|dev) echo "${V}" ;; *) ;; esac`,
    `{ echo "${V}"; } > log 2>&1; ( cd "${V}" && ls )`,
    `f() { echo "${V}"; }; f`,
    `echo "${V}" | tee "${V}.log"`,
    `cat <<'EOF'\nit's "\nEOF\necho "${V}"`,
    `echo "$(git describe)" "\${X:-none}" \`date\` $((1 + 2)) "${V}"`,
    `docker run --rm -e V="${V}" image sh script.sh "${V}"`,
    `python3 tool.py "${V}"; sh ./x.sh "${V}"; bash -e x.sh ${V}`,
    `X="${V}"\n[[ -n "$X" ]]\necho $((Y + 1))\n`,
    `X="${V}"\nif [ "$X" -gt 1 ]; then echo "$X"; fi`,
    `docker build -t "app:${V}" . && cp "${V}" . && git commit -m "${V}" .`,
    `echo deploy ${V} at su . ; git checkout "${V}" -- .`,
    `git cherry-pick -x "${V}"; git clean -x "${V}"; npm run watch -- "${V}"; npm ci && npm test -- "${V}"`,
    `tar -cf "${V}.tar" .; make "${V}"; flock /tmp/lock ./deploy "${V}"; flock 9 ./deploy "${V}"`,
    `docker run -v /etc/ssh:/etc/ssh image "${V}"; ls /etc/ssh "${V}"`,
    `echo "${V}" | sed -E 's/a/b/' | awk -F: '{ print $1 }' | sed -f x.sed`,
    `set -- "${V}"; while [ $# -gt 0 ]; do echo "$1"; shift; done\necho $(( $# + 1 ))`,
    `log() { local text="$1"; echo "$(date) $text" "$@"; }; log "${V}"`,
    `git -c user.name="${V}" commit -m x; git config user.email "${V}"`,
    `f() { local x="${V}"; local -r y=1; echo "\${x@Q}"; }; export -n z; f`,
  ])('is taken: %s', (text) => {
    expect(new Set(places(text, 'bash'))).toEqual(new Set(['word']));
  });

  it.each([
    [`echo '${V}'`, 'single_quotes'],
    [`sh -c 'echo ${V}'`, 'code'],
    [`sh -c "echo ${V}"`, 'code'],
    [`bash -ec "${V}"`, 'code'],
    [`sh -c 'echo "$1"' sh "${V}"`, 'code'],
    [`env X=1 sh -c "${V}"`, 'code'],
    [`docker exec web sh -c "${V}"`, 'code'],
    [`ls | xargs sh -c "${V}"`, 'code'],
    [`find . -exec bash -c "${V}" \\;`, 'code'],
    [`python3 -c "print('${V}')"`, 'code'],
    [`awk "/${V}/ { print }"`, 'code'],
    [`awk -v x="${V}" 1`, 'code'],
    [`sed "s/x/${V}/"`, 'code'],
    [`ssh host "${V}"`, 'code'],
    [`eval "${V}"`, 'code'],
    [`trap "${V}" EXIT`, 'code'],
    [`echo "${V}" | sh`, 'code'],
    [`{ echo "${V}"; } | bash -s`, 'code'],
    [`cat <<EOF\n${V}\nEOF`, 'heredoc'],
    [`cat <<'EOF'\n${V}\nEOF`, 'heredoc'],
    [`cat <<EOF\n$(echo x | awk '{print "${V}"}')\nEOF`, 'unclear'],
    [`echo "$(echo "${V}")"`, 'substitution'],
    [`echo \`echo "${V}"\``, 'unclear'],
    [`echo "\${f#'${V}'}"`, 'unclear'],
    [`echo "\${f:-${V}}"`, 'unclear'],
    [`echo $((${V} + 1))`, 'arithmetic'],
    [`(( ${V} + 1 ))`, 'arithmetic'],
    [`[[ ${V} -gt 1 ]]`, 'code'],
    [`[[ "${V}" == main ]]`, 'code'],
    [`[ -v "${V}" ]`, 'code'],
    [`test ${V} = main`, 'code'],
    [`let "${V}"`, 'code'],
    [`declare -i X=${V}`, 'code'],
    [`declare -i X\nX=${V}`, 'arithmetic'],
    [`X=${V}; echo $((X + 1))`, 'arithmetic'],
    [`X=${V}; [[ $X -gt 1 ]]`, 'arithmetic'],
    [`for X in ${V}; do echo "\${A[X]}"; done`, 'arithmetic'],
    [`A[${V}]=1`, 'program'],
    [`A=(${V})`, 'arithmetic'],
    [`echo "\${A[${V}]}"`, 'unclear'],
    [`printf -v "${V}" x`, 'code'],
    [`printf "${V}"`, 'code'],
    [`read "${V}"`, 'code'],
    [`alias x="${V}"`, 'unclear'],
    [`case x in ${V}) ;; esac`, 'pattern'],
    [`echo x # ${V}`, 'comment'],
    [`${V} x`, 'program'],
    [`env ${V}`, 'program'],
    [`PATH="${V}"`, 'special_variable'],
    [`BASH_ENV="${V}" ./x`, 'special_variable'],
    [`echo > ${V}`, 'unquoted'],
    [`echo $'${V}'`, 'unclear'],
    [`echo \\${V}`, 'unclear'],
    [`cat <(echo "${V}")`, 'unclear'],
    [`cat <<< "${V}"`, 'unclear'],
    [`echo "x\necho "${V}"`, 'unclear'],
    [`if true; then echo "${V}"`, 'unclear'],
    [`flock /tmp/lock -c "echo ${V}"`, 'program'],
    [`flock -n /tmp/lock sh -c "echo ${V}"`, 'code'],
    [`flock /tmp/lock sed "s/x/${V}/"`, 'code'],
    [`npx -c "echo ${V}"`, 'code'],
    [`npm exec --call="echo ${V}"`, 'code'],
    [`git rebase --exec "make ${V}" main`, 'code'],
    [`git rebase --exec="make ${V}" main`, 'code'],
    [`git submodule foreach "echo ${V}"`, 'code'],
    [`git filter-branch --msg-filter "sed s/x/${V}/"`, 'code'],
    [`git fetch --upload-pack "${V}" origin`, 'code'],
    [`tar -xf x.tar --to-command="cat ${V}"`, 'code'],
    [`make --eval="${V}"`, 'code'],
    [`find src -exec sed -i "s/x/${V}/" {} +`, 'code'],
    [`docker exec web su app -c "echo ${V}"`, 'code'],
    [`docker exec web /usr/bin/ssh host "${V}"`, 'code'],
    [`npx concurrently "echo ${V}"`, 'code'],
    [`. ./lib.sh "${V}"`, 'code'],
    [`echo "${V}" | . /dev/stdin`, 'code'],
    [`echo "${V}" | command . /dev/stdin`, 'code'],
    [`echo "${V}" | sed -n -f -`, 'code'],
    [`echo "${V}" | sed -nf- x`, 'code'],
    [`echo "${V}" | sed --file=/dev/stdin x`, 'code'],
    [`echo "${V}" | awk -f /dev/stdin`, 'code'],
    [`echo "${V}" | awk -f "$F"`, 'code'],
    [`X="${V}"; echo "\${X@P}"`, 'arithmetic'],
    [`f() { local -n x="${V}"; echo "$x"; }`, 'arithmetic'],
    [`f() { local -r -n x="${V}"; echo "$x"; }`, 'arithmetic'],
    [`set -- "${V}"; echo $(( $1 + 1 ))`, 'arithmetic'],
    [`set -- a "${V}"; if (( \${2} > 3 )); then :; fi`, 'arithmetic'],
    [`set -- "${V}"; echo "\${A[$1]}"`, 'arithmetic'],
    [`f() { echo "$(( $1 ))"; }; f "${V}"`, 'code'],
    [`f() { local "$1=1"; }; f "${V}"`, 'code'],
    [`f() { local -n r="$1"; }; f "${V}"`, 'code'],
    [`f() { sh -c "$1"; }\nf "${V}"`, 'code'],
    [`f () { eval "$2"; }; f a "${V}"`, 'code'],
    [`f() {\n  "$@"\n}\nf "${V}"`, 'code'],
    [`f() { printf -v "$1" x; }; f "${V}"`, 'code'],
    [`set -- "${V}"; sh -c "$1"`, 'arithmetic'],
    [`git -c "alias.q=!${V}" q`, 'code'],
    [`git config core.sshCommand "${V}"`, 'code'],
    [`git -c "${V}" status`, 'code'],
    [`gdb -ex "${V}"`, 'code'],
    [`for PS4 in "${V}"; do set -x; done`, 'special_variable'],
    [`for BASH_ENV in ${V}; do :; done`, 'special_variable'],
    [`export GIT_EXTERNAL_DIFF="${V}"`, 'special_variable'],
    [`TAR_OPTIONS="${V}" tar cf x.tar y`, 'special_variable'],
    [`npm_config_script_shell="${V}" npm test`, 'special_variable'],
    [`SSH_ASKPASS="${V}"; MANPAGER="${V}"`, 'special_variable'],
  ])('is refused: %s', (text, why) => {
    expect(new Set(places(text, 'bash'))).toEqual(new Set([why]));
  });

  it('decides what stands before the place that it does not understand', () => {
    expect(places(`echo "${V}"\necho $'x' "${V}"`)).toEqual(['word', 'unclear']);
  });

  it('reads the commands of a step as one text', () => {
    const commands = [`cat <<EOF`, `${V}`, 'EOF', `echo "${V}"`].map(templateOf);
    const [inside, behind] = expressionPlaces(commands, 'sh');
    expect(inside).toMatchObject({ why: { kind: 'heredoc', quoted: false } });
    expect(behind).toEqual({ kind: 'word' });
  });

  it.each([
    ['(', 50_000],
    ['$((', 30_000],
    ['((\n', 30_000],
    ['[[ ', 30_000],
    ['declare ', 12_000],
    ['sh ', 30_000],
    ['sed -f ', 30_000],
    ['local -r ', 12_000],
    ['flock ', 30_000],
    ['${', 50_000],
    ['$(', 50_000],
    ['"$(', 30_000],
    ['{ ', 50_000],
    ['true | sh\n', 10_000],
    ['true | ', 14_000],
    ['cat <<E\n', 12_000],
    ['x[', 50_000],
    ['-v ', 30_000],
    [`sh "${V}" `, 4000],
    [`echo "${V}"|sh;`, 4000],
    [`x=${V} `, 4000],
    [`# ${V}\n`, 4000],
    ["'", 100_000],
    ['\\\n', 50_000],
  ])('takes little time for many %j', (part, times) => {
    const text = templateOf(`${part.repeat(times)}\necho "${V}"`);
    const took = ownTime(() => expressionPlaces([text], 'bash'));
    expect(took).toBeLessThan(3_000);
  });
});
