import { compileYaml } from '../compiler/compile-yaml.js';

const ofTrigger = (keys: string, when = 'always()'): string =>
  `name: x\ntriggers: [{ ${keys} }]\nstages: [{ name: s, when: ${when}, steps: [make] }]\n`;

describe('a pattern that begins with "!"', () => {
  it.each([
    [
      "push: { branches: ['!main'] }",
      'triggers[0].push.branches[0]',
      /when: (trigger\.branch != 'main') at/,
    ],
    [
      "push: { branches: '!main' }",
      'triggers[0].push.branches',
      /when: (trigger\.branch != 'main') at/,
    ],
    [
      "push: { branches: ['**', '!release/**'] }",
      'triggers[0].push.branches[1]',
      /when: ("!startsWith\(trigger\.branch, 'release\/'\)") at/,
    ],
    [
      "push: { branches: ['!a{b,c}'] }",
      'triggers[0].push.branches[0]',
      /write a when at the stages$/,
    ],
    [
      "pull_request: { branches: ['!main'] }",
      'triggers[0].pull_request.branches[0]',
      /when: (trigger\.base\.branch != 'main') at/,
    ],
    ["tag: ['v*', '!v0*']", 'triggers[0].tag[1]', /when: ("!startsWith\(trigger\.tag, 'v0'\)") at/],
    [
      "push: { paths: ['!docs/**'] }",
      'triggers[0].push.paths[0]',
      /^Write paths: \{ exclude: \["docs\/\*\*"\] \}$/,
    ],
    [
      "pull_request: { paths: { include: ['src/**', '!src/a.ts'] } }",
      'triggers[0].pull_request.paths.include[1]',
      /^Write paths: \{ exclude: \[src\/a\.ts\] \}$/,
    ],
    [
      "trigger_type: git_push, config: { branch_patterns: ['!main'] }",
      'triggers[0].config.branch_patterns[0]',
      /write a when at the stages$/,
    ],
  ])('is a name, which is said: %s', (keys, path, advice) => {
    const { plan, problems } = compileYaml(ofTrigger(keys));
    expect(plan).toBeDefined();
    expect(problems).toMatchObject([{ path, severity: 'warning', code: 'not_left_out' }]);
    const { suggestion = '' } = problems[0] ?? {};
    expect(suggestion).toMatch(advice);
    // What it says to write is right.
    const [, when] = advice.exec(suggestion) ?? [];
    if (when !== undefined) expect(compileYaml(ofTrigger('push: {}', when)).problems).toEqual([]);
  });

  it('takes back in exclude, and nothing is said', () => {
    const keys = "push: { branches: [main], paths: { exclude: ['docs/**', '!docs/api.md'] } }";
    expect(compileYaml(ofTrigger(keys)).problems).toEqual([]);
  });
});
