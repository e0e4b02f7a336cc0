import { compileYaml } from './compile-yaml.js';

const CIRCLE = '{ A: "${{ env.B }}", B: "${{ env.A }}" }';
const told = (yaml: string) =>
  compileYaml(yaml).problems.map(({ code, path, message }) => [code, path, message]);
const MESSAGE = 'The variables read each other in a circle: A -> B -> A.';

describe('variables that read each other', () => {
  it.each([
    ['a pipeline', `name: x\nenvironment: ${CIRCLE}\nsteps: [echo]\n`, 'environment.A'],
    [
      'a stage',
      `name: x\nstages: [{ name: s, environment: ${CIRCLE}, steps: [echo] }]\n`,
      'stages[0].environment.A',
    ],
    [
      'a step',
      `name: x\nsteps: [{ run: echo }, { name: n, run: echo, environment: ${CIRCLE} }]\n`,
      'steps[1].environment.A',
    ],
    [
      'a hook',
      `name: x\nsteps: [echo]\nalways: [{ run: echo, environment: ${CIRCLE} }]\n`,
      'always[0].environment.A',
    ],
    [
      'a list',
      'name: x\nenvironment: ["A=${{ env.B }}", "B=${{ env.A }}"]\nsteps: [echo]\n',
      'environment[0]',
    ],
  ])('in a circle are an error in %s', (_where, yaml, path) => {
    expect(told(yaml)).toEqual([['variable_cycle', path, MESSAGE]]);
  });

  it('without a circle are none: in any order, themselves, over levels', () => {
    const yaml = `name: x
environment: { A: "\${{ env.B }}\${{ env.A }}", B: "\${{ env.C }}", C: c, PATH: "/x:\${{ env.PATH }}" }
steps: [{ run: echo, environment: { B: "\${{ env.A }}" } }]
`;
    expect(told(yaml)).toEqual([]);
  });
});
