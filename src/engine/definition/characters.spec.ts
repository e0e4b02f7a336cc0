import fc from 'fast-check';
import { compileYaml } from '../compiler/compile-yaml.js';

const pipeline = (value: string): string =>
  `name: a
description: ok
environment: { A: ok }
steps:
  - name: s
    run: ok
    when: "'a' == 'a'"
`.replace(/ok/, value);

const places: readonly (readonly [string, (text: string) => string, string])[] = [
  ['description', (text) => pipeline(text), 'description'],
  ['a variable', (text) => `name: a\nenvironment: { A: ${text} }\nsteps: [a]`, 'environment.A'],
  ['a list', (text) => `name: a\nenvironment: [${text}]\nsteps: [a]`, 'environment[0]'],
  ['a command', (text) => `name: a\nsteps:\n  - run: ${text}`, 'steps[0].run'],
  ['when', (text) => `name: a\nsteps:\n  - run: a\n    when: ${text}`, 'steps[0].when'],
  ['repository', (text) => `name: a\nrepository: ${text}\nsteps: [a]`, 'repository'],
  ['a name', (text) => `name: ${text}\nsteps: [a]`, 'name'],
  ['a label', (text) => `name: a\nruns_on: [${text}]\nsteps: [a]`, 'runs_on[0]'],
  ['an ignored key', (text) => `name: a\nx-a: ${text}\nsteps: [a]`, 'x-a'],
  ['a key', (text) => `name: a\nenvironment: { ${text}: b }\nsteps: [a]`, 'environment'],
];
const escapes = ['\\0', '\\x00', '\\e', '\\x1b', '\\a', '\\x7f', '\\x9b', '\\uD800', '\\uFFFE'];

describe('characters that escapes make', () => {
  it.each(
    places.flatMap(([where, yaml, path]) => escapes.map((e) => [e, where, yaml, path] as const)),
  )('%s is refused in %s, with its place', (escape, _where, yaml, path) => {
    const { plan, problems } = compileYaml(yaml(`"NAME=x${escape}y"`));
    expect(plan).toBeUndefined();
    expect(problems).toContainEqual(
      expect.objectContaining({ path, code: 'invalid_character', severity: 'error' }),
    );
  });

  it('leaves tabs and lines in commands and values', () => {
    const { plan } = compileYaml(
      'name: a\nenvironment: { A: "x\\ty\\r\\nz" }\nsteps: [{ run: "a\\tb\\nc" }]',
    );
    expect(plan?.environment['A']).toBe('x\ty\r\nz');
  });
});

describe('names of variables', () => {
  const inherited = Object.getOwnPropertyNames(Object.prototype).concat('prototype', '_bsontype');

  it.each(inherited)('%s arrives, or is refused by name', (name) => {
    const map = compileYaml(`name: a\nenvironment: { ${name}: x }\nsteps: [a]`);
    const list = compileYaml(`name: a\nenvironment: ["${name}=x"]\nsteps: [a]`);
    for (const { plan, problems } of [map, list]) {
      if (name === '__proto__') {
        expect(problems[0]?.message).toBe('"__proto__" cannot be used as a name.');
      } else {
        expect(Object.entries(plan?.environment ?? {})).toEqual([[name, 'x']]);
      }
    }
  });

  it.each(inherited)('%s as an input that is not declared is unknown', (name) => {
    const yaml = `name: a\ntriggers: [{ manual: { inputs: { a: } } }]\nsteps: ['echo \${{ inputs.b }}']`;
    const { problems } = compileYaml(yaml.replace('inputs.b', `inputs.${name}`));
    expect(problems.some(({ severity }) => severity === 'error')).toBe(true);
  });

  it('keep what any text makes of them', () => {
    const text = fc
      .string({ unit: 'binary' })
      .filter((t) => !/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}|\$\{\{/u.test(t));
    fc.assert(
      fc.property(fc.constantFrom(...inherited.slice(1)), text, (name, value) => {
        if (name === '__proto__') return;
        const { plan } = compileYaml(
          JSON.stringify({ name: 'a', environment: { [name]: value }, steps: ['a'] }),
        );
        expect(Object.entries(plan?.environment ?? {})).toEqual([[name, value]]);
      }),
    );
  });
});

describe('defaults of inputs', () => {
  it.each(['1e400', '1.10', '0x10', '12345678901234567890', '1.0', '.5', '-0', '+1'])(
    'a number %s is refused, with what keeps its text',
    (number) => {
      const yaml = (type: string) =>
        `name: a\ntriggers: [{ manual: { inputs: { n: { type: ${type}, default: ${number} } } } }]\nsteps: [a]`;
      const [problem] = compileYaml(yaml('number')).problems;
      expect(problem).toMatchObject({ code: 'invalid_default' });
      expect(problem?.suggestion).toContain('type: string');
      expect(compileYaml(yaml('string')).definition?.inputs[0]?.default).toBe(number);
    },
  );
});
