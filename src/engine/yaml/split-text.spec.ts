import { compileYaml } from '../compiler/compile-yaml.js';

const HINT = 'YAML takes a text with ": " in it for a map: put all of it in quotes';

/** Each problem of the steps of a pipeline: its place, and what it suggests. */
function problemsOf(steps: string): string[] {
  const { problems } = compileYaml(`name: shop\nsteps:\n${steps}`);
  return problems.map(({ line, message, suggestion }) => `${line} ${message} ${suggestion ?? ''}`);
}

describe('a text that YAML takes for a map', () => {
  it.each([
    ['- echo "a: b"', `'echo "a: b"'`],
    ["- echo 'x': y", `'echo ''x'': y'`],
    ['- echo done:', "'echo done:'"],
  ])('is put in quotes: %s', (line, quoted) => {
    const inRun = problemsOf(`  - run:\n      ${line}\n`);
    const expected = `Expected a command, found a map. ${HINT}: ${quoted}`;
    expect(inRun).toEqual([expect.stringContaining(expected)]);
    expect(problemsOf(`  ${line}\n`)).toEqual([expect.stringContaining(expected)]);
  });

  it.each([
    ['is long', 'b'.repeat(100)],
    ['may hold a password', 'http://ada:s3cret@h/'],
  ])('is named without its text where that %s', (_name, text) => {
    const [problem] = problemsOf(`  - echo "a: ${text}"\n`);
    expect(problem).toBe(`3 Expected a command, found a map. ${HINT}`);
  });

  it('is told of other texts than commands', () => {
    expect(problemsOf('  - run: make\n    path:\n      - /opt/a: b\n')).toEqual([
      `5 Expected a folder, found a map. ${HINT}: '/opt/a: b'`,
    ]);
  });

  it.each(['  - run: [{ a: b }]\n', '  - run:\n      - a: b\n        c: d\n'])(
    'is not what was meant as a map: %j',
    (steps) => {
      expect(problemsOf(steps).join()).not.toContain('quotes');
    },
  );

  it('is no step with a word that is wrong', () => {
    expect(problemsOf('  - rnu: make\n').join()).toContain('A step has no key "rnu".');
  });
});
