import fc from 'fast-check';

/** The expression under test, as it is written in pipelines. */
export const HOLE = '${{ trigger.message }}';

type Text = fc.Arbitrary<string>;

const join = (...parts: (string | Text)[]): Text =>
  fc
    .tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part)))
    .map((texts) => texts.join(''));

/** Words around the expression that lead a reader of quotes astray. */
const decoy = fc.constantFrom(
  'x',
  "it\\'s",
  '"it\'s"',
  `'a"b'`,
  'a#b',
  '$#',
  '${#F}',
  '$F',
  '"$F"',
  '${F#f}',
  '"${F#\'f\'}"',
  '"${F%"l"}"',
  '$(echo s)',
  '`echo b`',
  '$((1 + 2))',
  '{a,b}',
  "$'a\\'b'",
  '\\"',
  '"\\""',
  '""',
  '-n',
  '1',
);

const plainHole = fc.constantFrom(
  HOLE,
  `"${HOLE}"`,
  `"a ${HOLE} z"`,
  `--to="${HOLE}"`,
  `a${HOLE}z`,
  `"$F${HOLE}"`,
  `"${HOLE}"'q'`,
  `"it's ${HOLE}"`,
);

const strangeHole = fc.constantFrom(
  `'${HOLE}'`,
  `'a "${HOLE}" z'`,
  `"'${HOLE}'"`,
  `$'${HOLE}'`,
  `$"${HOLE}"`,
  `\\${HOLE}`,
  `"\\${HOLE}"`,
  `"\\\\${HOLE}"`,
  `\${F:-${HOLE}}`,
  `"\${F:+${HOLE}}"`,
  `"\${F#'${HOLE}'}"`,
  `"\${F:-"${HOLE}"}"`,
  `\${F/l/"${HOLE}"}`,
  `$(echo "${HOLE}")`,
  `"$(echo '${HOLE}')"`,
  `"$(printf %s "${HOLE}")"`,
  `\`echo "${HOLE}"\``,
  `"\`echo '${HOLE}'\`"`,
  `$((${HOLE}))`,
  `$[${HOLE}]`,
  `\${A[${HOLE}]}`,
  `{a,"${HOLE}"}`,
  `~${HOLE}`,
  `<(echo "${HOLE}")`,
);

const word: Text = fc.oneof(
  { weight: 4, arbitrary: plainHole },
  { weight: 1, arbitrary: strangeHole },
  { weight: 6, arbitrary: decoy },
);
const program = fc.constantFrom(
  ...["printf '<%s>\\n'", 'show', 'env show', 'X=1 show', '"show"', 'command show'],
);

const plain: Text = fc.oneof(
  join(program, ' ', word, ' ', word),
  join(program, ' ', word),
  join('X=', word, '; show "$X"'),
  join('X=', word, ' show ', word),
  join('export X=', word, '; show "$X"'),
  join('[ ', word, ' = ', word, ' ] || show ', word),
  join('show < /dev/null ', word, ' 2>/dev/null'),
  join('show ', word, ' \\\n  ', word),
);

/** Commands that make code of a word, or may, or seem to; `@` is the word. */
export const STRANGE_COMMANDS = [
  '[ @ -gt 1 ]',
  'test -n @',
  'test @ @',
  'test -v @',
  '[[ @ == @ ]]',
  '[[ @ -gt 1 ]] || show a',
  '[[ -v @ ]]',
  '(( @ ))',
  'let @',
  'let X=@',
  'declare -i X=@',
  'declare -i Y; Y=@',
  'X=@; echo $((X))',
  'X=@; show "${A[X]}"',
  'X=@; [[ $X -gt 1 ]]',
  'for X in @; do echo $((X + 1)); done',
  'A[@]=1',
  'A=(@ @); show "${A[0]}"',
  'printf -v @ x',
  'printf @ x',
  'read @ < /dev/null',
  'unset @',
  'eval @',
  'eval "show @"',
  'sh -c @',
  "sh -c 'show @'",
  `sh -c 'show "$1"' sh @`,
  'env X=1 bash -ec @',
  'trap @ EXIT',
  'echo @ | sh',
  'echo @ | xargs -0 sh -c',
  'sh <<< @',
  `sh <<EOF\nshow @\nEOF`,
  `alias show=@\nshow x`,
  "show x # it's @",
  `# @\nshow y`,
  'awk @ /dev/null',
  'X=@; show "${X@P}"',
  'f() { local -n r=@; show "$r"; }; f',
  'set -- @; echo $(( $1 + 1 ))',
  'set -- @; (( $1 > 3 )) || show a',
  'for PS4 in @; do set -x; show a; done',
  'find /dev/null -exec sed -n @p {} +',
  'echo @ | sed -n -f - /dev/null',
  'echo @ | awk -f -',
  'flock lock -c @',
  'git submodule foreach @',
  `awk -v x=@ 'BEGIN { print "<" x ">" }'`,
  '@ @',
  '> @',
  'case @ in @) show a;; *) show @;; esac',
];

const strange: Text = fc
  .tuple(fc.constantFrom(...STRANGE_COMMANDS), word, word)
  .map(([command, first, second]) => filled(command, [first, second]));

/** A command with its words in it, in turn. */
export function filled(command: string, words: readonly string[]): string {
  let next = 0;
  return command.replaceAll('@', () => words[next++ % words.length] ?? '');
}

const body: Text = fc.oneof(
  fc.constant(HOLE),
  fc.constant("it's"),
  fc.constant('"'),
  fc.constant(`$(echo '${HOLE}')`),
  fc.constant(`$(echo x | awk '{print "${HOLE}"}')`),
  fc.constant(`\`echo "${HOLE}"\``),
  fc.constant('\\'),
  fc.constant('$('),
  fc.constant('`'),
  fc.constant('${F:-EOF}'),
  word,
);

const heredoc: Text = fc
  .tuple(fc.constantFrom('<<EOF', '<<-EOF', "<<'EOF'", '<<"EOF"', '<<\\EOF', '<< EOF'), body, word)
  .map(([opening, text, after]) => `cat ${opening}\n${text}\nEOF\nshow ${after}`);

const simple: Text = fc.oneof(
  { weight: 4, arbitrary: plain },
  { weight: 3, arbitrary: strange },
  { weight: 1, arbitrary: heredoc },
);

const compound: Text = fc.oneof(
  { weight: 3, arbitrary: simple },
  join('if ', plain, '; then ', simple, '\nelse\n', simple, '\nfi'),
  join('for x in ', word, ' ', word, '; do show "$x"; ', plain, '; done'),
  join('while ', plain, '; do ', simple, '\nbreak; done'),
  join('case ', word, ' in\n*) ', simple, '\n;;\nesac'),
  join('{ ', simple, '\n}'),
  join('( ', simple, '\n)'),
  join('f() { ', simple, '\n}\nf'),
  join(plain, ' | cat'),
  join(plain, ' && ', simple),
  join(plain, ' || ', simple),
  join('{ ', plain, '; } | sh'),
  join('! ', plain),
);

const scrap = fc.constantFrom(
  ...["'", '"', '`', '$(', ')', '(', '\\', '#', '\n', ' ', '<<E', "<<'E'", '\nE\n', '((', '))'],
  ...['${', '}', '$', ';', '|', '{', "$'", ';;', '[[ ', ' ]]', 'in ', '=', '<', '~', '%', HOLE],
);

/**
 * `export` and `env` alone print every variable, `xargs` reads quotes, `$$` is another number each
 * time: no matter of places.
 */
const OWN_WAYS = /export(?! X=)|env(?! show| X=)|xargs(?! -0 sh)|\$\$/;

/** Shell texts with the expression somewhere in them, of which many are wrong. */
export const shellText: Text = fc
  .tuple(
    fc.array(compound, { minLength: 1, maxLength: 3 }),
    fc.option(fc.array(fc.tuple(fc.nat(), scrap), { minLength: 1, maxLength: 3 })),
  )
  .map(([commands, changes]) => {
    const text = commands.join('\n');
    // A function whose closing brace is gone could call itself in a pipe.
    return changes === null || text.includes('f()') ? text : changes.reduce(inserted, text);
  })
  .filter((text) => text.includes(HOLE) && !OWN_WAYS.test(text));

function inserted(text: string, [where, scrap]: [number, string]): string {
  const at = where % (text.length + 1);
  return text.slice(0, at) + scrap + text.slice(at);
}

/** Each would leave the file `pwned` if one of its characters meant something to a shell. */
export const HOSTILE_VALUES = [
  '$(touch pwned)',
  '`touch pwned`',
  '"; touch pwned; "',
  "'; touch pwned; '",
  'x; touch pwned',
  'x\ntouch pwned\n',
  ') touch pwned; (',
  'a[$(touch pwned)]',
  'A[$(touch pwned)]',
  'A[$(touch pwned)]=1',
  'x}; touch pwned; {',
  'EOF\ntouch pwned',
  '"}; system("touch pwned"); {"',
  'BEGIN { system("touch pwned") }',
  'touch pwned',
  '& touch pwned &',
  '\\',
  "\\'; touch pwned #",
  '* ? [a]',
  '~',
  '-n',
  '! -e x',
  '\' " ` $ \\ ( ) { } ; & | < > # *',
  'ünïcode \u202e 日本',
  '',
];

export const hostileValue = fc.oneof(
  fc.constantFrom(...HOSTILE_VALUES),
  fc.string({ unit: fc.constantFrom(...'\'"`$(){};&|<>#*\\\n ab~=[]!'), maxLength: 12 }),
);
