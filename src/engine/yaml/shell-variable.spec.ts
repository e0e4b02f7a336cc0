import { compileYaml } from '../compiler/compile-yaml.js';
import { likelyVariableIn, shellVariableIn } from './shell-variable.js';

describe('a variable of a shell in a text', () => {
  it.each([
    ['$HOME/go', '$HOME'],
    ['a ${home}/go', '${home}'],
    ['${home:-/root}', '${home}'],
  ])('is certain: %s', (text, shown) => {
    expect(shellVariableIn(text)?.shown).toBe(shown);
  });

  it.each([
    ['$home_dir/x', '$home_dir'],
    ['$home/x', '$home'],
    ['$Home_2/x', '$Home_2'],
    ['/usr/bin:$home/bin', '$home'],
    ['--prefix=$home/x', '$home'],
    ['"$home/x"', '$home'],
    ['a,$home/x', '$home'],
    ['-I $inc_dir/include', '$inc_dir'],
    ['https://$host_name/api', '$host_name'],
  ])('is likely at a path: %s', (text, shown) => {
    expect(shellVariableIn(text)).toBeUndefined();
    expect(likelyVariableIn(text)?.shown).toBe(shown);
  });

  it.each([
    ...['$1', '$1/x', '$1,000/month', 'costs 3$ or $x', 'pa$word', 'pa$word/x', '$ecret', 'p$_/x'],
    ...['^a$', '^(a|b)$/x', 'a$b/c', '$$home/x', '\\$home/x', '$(pwd)/x', '$/x', '$x/y', '$-/y'],
    ...['$2y$10$abcdefgh/ijk', '$5$salt/abc', '$apr1$salt/abc', '$argon2id$v=19$c2Fsd/A$aGFz/aA'],
    ...['$uri $uri/ /index.html', '/users/$id/edit', 'routes/$slug/edit.tsx', '#/$defs/name'],
    ...[
      'query($id: ID!) { a(id: $id) }',
      '{"$set": {"a": 1}}',
      '$.store/book',
      'Foo$Bar/baz.class',
    ],
    ...['%h $status $body_bytes', 'proto://$host/x', '{$home/x}'],
  ])('is something else: %s', (text) => {
    expect([shellVariableIn(text), likelyVariableIn(text)]).toEqual([undefined, undefined]);
  });

  it.each([
    ['lib-$name.so', '$name'],
    ['$other and $name', '$name'],
  ])('is likely where a variable has this name: %s', (text, shown) => {
    expect(likelyVariableIn(text, new Set(['name']))?.shown).toBe(shown);
    expect(likelyVariableIn(text)).toBeUndefined();
  });

  it('is not what is escaped, whatever has its name', () => {
    expect(likelyVariableIn('$$name \\$name $names', new Set(['name']))).toBeUndefined();
  });
});

describe('a value of environment', () => {
  const told = (environment: string): readonly string[] =>
    compileYaml(`name: x\nenvironment: ${environment}\nsteps: [make]\n`).problems.map(
      ({ severity, path, code, suggestion = '' }) => `${severity} ${path} ${code}, ${suggestion}`,
    );

  it.each([
    [
      '{ CACHE: $home_dir/x }',
      /^warning environment\.CACHE not_expanded, Write \$\{\{ env\.home_dir/,
    ],
    ['["CACHE=$home_dir/x"]', /not_expanded, Write \$\{\{ env\.home_dir/],
    ['{ dir: /a, CACHE: $dir }', /^warning environment\.CACHE not_expanded, Write \$\{\{ env\.dir/],
    ['["dir=/a", "CACHE=x-$dir"]', /not_expanded, Write \$\{\{ env\.dir/],
  ])('is warned of: %s', (environment, expected) => {
    expect(told(environment)).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    '{ PASSWORD: $ecret/x }',
    '{ API_TOKEN: $ecret/x }',
    '{ ROUTE_PATTERN: $id/x, id: 1 }',
    '{ WORD: $ecret }',
    '{ SCRIPT: "cd $home_dir/x; make" }',
    '{ PS4: $home_dir/x }',
  ])('is left alone: %s', (environment) => expect(told(environment)).toEqual([]));
});

it.each(['cache: { paths: [$home_dir/.npm], key: a }', 'artifacts: $out_dir/a'])(
  'a path is warned of: %s',
  (keys) => {
    const { problems } = compileYaml(`name: x\nsteps: [{ run: make, ${keys} }]\n`);
    expect(problems).toMatchObject([{ severity: 'warning', code: 'not_expanded' }]);
  },
);
