import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileYaml } from '../../src/engine/compiler/compile-yaml.js';

/**
 * Every mistake as data: `lint/<name>.yaml` and what is told of it in `lint/<name>.expected.json`,
 * all problems in the order of the text; `suggestion` is a part of the suggestion.
 */
interface Expected {
  readonly valid: boolean;
  readonly problems: readonly {
    readonly line: number;
    readonly column: number;
    readonly code: string;
    readonly suggestion?: string;
  }[];
}

const folder = join(__dirname, 'lint');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length));

describe('lint', () => {
  it('has at least 70 scenarios, each with its expectation', () => {
    expect(names.length).toBeGreaterThanOrEqual(70);
    const expectations = readdirSync(folder).filter((file) => file.endsWith('.expected.json'));
    expect(expectations).toEqual(names.map((name) => `${name}.expected.json`));
  });

  it.each(names)('%s', (name) => {
    const yaml = readFileSync(join(folder, `${name}.yaml`), 'utf8');
    const expected = JSON.parse(
      readFileSync(join(folder, `${name}.expected.json`), 'utf8'),
    ) as Expected;
    const { plan, problems } = compileYaml(yaml);
    expect(problems.map(({ line, column, code }) => ({ line, column, code }))).toEqual(
      expected.problems.map(({ line, column, code }) => ({ line, column, code })),
    );
    for (const [index, { suggestion }] of expected.problems.entries()) {
      if (suggestion !== undefined) expect(problems[index]?.suggestion).toContain(suggestion);
    }
    expect(plan !== undefined).toBe(expected.valid);
    expect(problems.some((problem) => problem.severity === 'error')).toBe(!expected.valid);
  });
});
