import { compileYaml } from '../compiler/compile-yaml.js';
import { resolveInputs } from './resolve-inputs.js';

const { definition } = compileYaml(`
name: a
triggers:
  - manual:
      inputs:
        target: { options: [staging, prod], default: staging }
        count: { type: number, default: 2 }
        dry: { type: boolean }
        note: { type: string, required: true, description: why }
        free:
steps: [echo]
`);

function resolve(given: Record<string, unknown>) {
  if (definition === undefined) throw new Error('the pipeline does not compile');
  return resolveInputs(definition, given);
}

describe('resolveInputs', () => {
  it('fills defaults, and the empty value of its type where there is none', () => {
    expect(resolve({ note: 'x' })).toEqual({
      inputs: { target: 'staging', count: 2, dry: false, note: 'x', free: '' },
      problems: [],
    });
  });

  it('takes values of the right type, and texts that are written like them', () => {
    const given = { target: 'prod', count: '3.5', dry: 'true', note: 7, free: 'y' };
    expect(resolve(given)).toEqual({
      inputs: { target: 'prod', count: 3.5, dry: true, note: '7', free: 'y' },
      problems: [],
    });
  });

  it('tells everything that is wrong at once', () => {
    const { problems } = resolve({ target: 'prd', count: 'many', dry: 1, taget: 'prod' });
    expect(problems.map(({ path, code }) => [path, code])).toEqual([
      ['inputs.taget', 'unknown_input'],
      ['inputs.target', 'invalid_input'],
      ['inputs.count', 'invalid_input'],
      ['inputs.dry', 'invalid_input'],
      ['inputs.note', 'missing_input'],
    ]);
    expect(problems[0]?.suggestion).toContain('"target"');
    expect(problems[1]?.message).toContain('staging, prod');
  });

  it.each([
    [{ note: ['a'] }],
    [{ note: { a: 1 } }],
    [{ note: 'x'.repeat(10_001) }],
    [{ note: null }],
  ])('refuses %j', (given) => {
    expect(resolve(given).problems).toHaveLength(1);
  });

  it('has no way to a prototype', () => {
    const { inputs, problems } = resolve(
      JSON.parse('{"note": "x", "__proto__": "y"}') as Record<string, unknown>,
    );
    expect(problems.map((problem) => problem.code)).toEqual(['unknown_input']);
    expect(Object.getPrototypeOf(inputs)).toBeNull();
  });
});
