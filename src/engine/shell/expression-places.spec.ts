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
    const started = performance.now();
    expressionPlaces([templateOf(`${part.repeat(times)}\necho "${V}"`)], 'bash');
    expect(performance.now() - started).toBeLessThan(3000);
  });
});
