import { compileYaml } from '../../compiler/compile-yaml.js';

const stepOf = (step: string) => {
  const { plan, problems } = compileYaml(`name: p\nsteps:\n  - ${step}\n`);
  return { step: plan?.stages[0]?.steps[0], problems };
};
const codes = (step: string) => stepOf(step).problems.map(({ code, path }) => `${code} ${path}`);

describe('a step with approval', () => {
  it('is compiled from a text, with what is usual', () => {
    const { step, problems } = stepOf('{ name: ok, approval: "Ship?" }');
    expect(problems).toEqual([]);
    expect(step).toMatchObject({
      action: { kind: 'approval', message: 'Ship?', required: 1, timeoutMs: 7 * 86_400_000 },
      outputs: [],
      retry: { max: 0 },
    });
  });

  it('has its inputs as outputs', () => {
    const { step } = stepOf(
      '{ approval: { message: m, roles: admin, users: [ada, ada], required: 2, timeout: 30d, inputs: { v: { type: choice, options: [a, b] }, n: { type: number } } } }',
    );
    expect(step).toMatchObject({
      action: { roles: ['admin'], users: ['ada'], required: 2, timeoutMs: 30 * 86_400_000 },
      outputs: ['v', 'n'],
    });
  });

  it('lets later steps read what was said, and nothing else', () => {
    const yaml = (name: string): string =>
      `name: p\nsteps:\n  - { name: ok, approval: { message: m, inputs: { v: { type: string } } } }\n  - { run: x, environment: { V: "\${{ steps.ok.outputs.${name} }}" } }\n`;
    expect(compileYaml(yaml('v')).problems).toEqual([]);
    expect(compileYaml(yaml('w')).problems.map(({ code }) => code)).toEqual(['unknown_output']);
  });

  it('is not retried by what its pipeline says, but by what it says itself', () => {
    const retries = (own: string) =>
      compileYaml(`name: p\nretry_count: 3\nsteps: [{ approval: m${own} }]`).plan?.stages[0]
        ?.steps[0]?.retry.max;
    expect([retries(''), retries(', retry: 2')]).toEqual([0, 2]);
  });

  it.each([
    ['{ approval: m, run: x }', 'conflicting_keys steps[0]'],
    ['{ approval: m, image: node }', 'conflicting_keys steps[0]'],
    [
      '{ approval: m, deploy: { type: local_directory, service: s, path: p } }',
      'conflicting_keys steps[0]',
    ],
    ['{ approval: m, environment: { A: b } }', 'conflicting_keys steps[0].environment'],
    ['{ approval: m, secrets: [A_KEY] }', 'conflicting_keys steps[0].secrets'],
    ['{ approval: m, timeout: 5m }', 'conflicting_keys steps[0].timeout'],
    ['{ approval: m, outputs: [a] }', 'conflicting_keys steps[0].outputs'],
    ['{ approval: m, cache: [npm] }', 'conflicting_keys steps[0].cache'],
    ['{ approval: { roles: [admin] } }', 'missing_key steps[0].approval'],
    ['{ approval: { message: m, roles: [viewer] } }', 'unknown_value steps[0].approval.roles[0]'],
    ['{ approval: { message: m, required: 0 } }', 'out_of_range steps[0].approval.required'],
    ['{ approval: { message: m, timeout: 31d } }', 'out_of_range steps[0].approval.timeout'],
    ['{ approval: { message: m, approvers: [a] } }', 'unknown_key steps[0].approval.approvers'],
    [
      '{ approval: { message: "${{ steps.no.outputs.x }}" } }',
      'unknown_step steps[0].approval.message',
    ],
  ])('refuses %s', (step, expected) => {
    expect(codes(step)).toContain(expected);
  });

  it.each(['on_failure', 'always'])('is refused as a hook of %s', (list) => {
    const { problems } = compileYaml(`name: p\nsteps: [{ run: x }]\n${list}: [{ approval: m }]`);
    expect(problems.map(({ code }) => code)).toEqual(['approval_in_hook']);
  });
});
