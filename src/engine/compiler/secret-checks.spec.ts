import { secretsAt, secretsOf } from '../plan/secret-names.js';
import { compileYaml } from './compile-yaml.js';

const told = (yaml: string) =>
  compileYaml(yaml).problems.map(({ code, path, line }) => [code, path, line]);

describe('secrets of a pipeline', () => {
  it('are in the plan where they stand, each once; without any there is no key', () => {
    const { plan, problems } = compileYaml(`name: x
secrets: [A_KEY, A_KEY]
stages:
  - name: s
    secrets: B_KEY
    steps:
      - { name: one, run: a, secrets: [C_KEY, A_KEY] }
      - { name: two, step_type: shell, config: { command: a }, secrets: [D_KEY] }
  - { name: t, steps: [a] }
on_failure: [{ run: a, secrets: [E_KEY] }]
`);
    if (plan === undefined) throw new Error(JSON.stringify(problems));
    const [s, t] = plan.stages;
    expect([plan.secrets, s?.secrets, t && 'secrets' in t]).toEqual([['A_KEY'], ['B_KEY'], false]);
    expect(secretsAt(plan, s, s?.steps[0])).toEqual(['A_KEY', 'B_KEY', 'C_KEY']);
    expect(secretsAt(plan, t, t?.steps[0])).toEqual(['A_KEY']);
    expect(secretsOf(plan)).toEqual(['A_KEY', 'B_KEY', 'C_KEY', 'D_KEY', 'E_KEY']);
  });

  it.each([
    ['name: x\nsecrets: [CI_KEY]\nsteps: [a]\n', 'invalid_name', 'secrets[0]', 2],
    ['name: x\nsecrets: ["a-b"]\nsteps: [a]\n', 'invalid_name', 'secrets[0]', 2],
    ['name: x\nsecrets: ["__proto__"]\nsteps: [a]\n', 'invalid_name', 'secrets[0]', 2],
    ['name: x\nsecrets: { A: b }\nsteps: [a]\n', 'wrong_type', 'secrets', 2],
    [
      'name: x\nenvironment: { A: b }\nsteps:\n  - { run: a, secrets: [A] }\n',
      'secret_and_variable',
      'steps[0].secrets[0]',
      4,
    ],
    [
      'name: x\nsecrets: [A]\nsteps:\n  - { run: a, environment: { A: b } }\n',
      'secret_and_variable',
      'secrets[0]',
      2,
    ],
    [
      'name: x\nsteps: [a]\nalways:\n  - { run: a, environment: { A: b }, secrets: A }\n',
      'secret_and_variable',
      'always[0].secrets',
      4,
    ],
  ])('%j: %s', (yaml, code, path, line) => {
    expect(told(yaml)).toEqual([[code, path, line]]);
  });
});
