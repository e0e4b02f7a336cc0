import type { Problem } from '../yaml/problem.js';
import { ReadContext } from '../yaml/reader.js';
import { SourceText } from '../yaml/source-text.js';
import { parseYamlTree } from '../yaml/yaml-tree.js';
import type { ArtifactsPlan } from '../plan/artifacts-plan.js';
import { artifacts } from './artifacts-reader.js';

const DAY_MS = 86_400_000;

function read(yaml: string) {
  const context = new ReadContext(new SourceText(yaml), { ssh: false });
  const { root } = parseYamlTree(yaml);
  if (root?.kind !== 'map') throw new Error('no map');
  const value = root.entries[0]?.value;
  const plan = value && artifacts.read(value, ['artifacts'], context);
  return { plan, problems: context.finish(), expressions: context.expressions };
}

const codes = (problems: readonly Problem[]): string[][] =>
  problems.map(({ path, code }) => [path, code]);

describe('the key `artifacts`', () => {
  it.each<[string, ArtifactsPlan]>([
    ['artifacts: dist', { paths: ['dist'], when: 'success' }],
    ['artifacts: [dist, "**/*.log", dist]', { paths: ['dist', '**/*.log'], when: 'success' }],
    ['artifacts: { paths: dist/app.js }', { paths: ['dist/app.js'], when: 'success' }],
    [
      'artifacts: { paths: [a, b], name: web app, when: always, expire_in: 30d }',
      { paths: ['a', 'b'], name: 'web app', when: 'always', expireInMs: 30 * DAY_MS },
    ],
    ['artifacts: { paths: a, when: failure }', { paths: ['a'], when: 'failure' }],
    [
      'artifacts: { paths: a, expire_in: 90 }',
      { paths: ['a'], when: 'success', expireInMs: 90_000 },
    ],
  ])('%s', (yaml, plan) => {
    expect(read(yaml)).toMatchObject({ plan, problems: [] });
    expect(read(yaml).plan).toEqual(plan);
  });

  it.each([
    ['artifacts:', 'artifacts', 'wrong_type'],
    ['artifacts: []', 'artifacts', 'empty_list'],
    ['artifacts: [""]', 'artifacts[0]', 'too_short'],
    ['artifacts: /etc', 'artifacts', 'invalid_path'],
    ['artifacts: [dist, ../secrets]', 'artifacts[1]', 'invalid_path'],
    ['artifacts: { paths: ["a/../b"] }', 'artifacts.paths[0]', 'invalid_path'],
    ['artifacts: { name: a }', 'artifacts', 'missing_key'],
    ['artifacts: { paths: a, name: a/b }', 'artifacts.name', 'invalid_name'],
    ['artifacts: { paths: a, name: .. }', 'artifacts.name', 'invalid_name'],
    ['artifacts: { paths: a, name: "${{ inputs.x }}" }', 'artifacts.name', 'invalid_name'],
    ['artifacts: { paths: a, name: __proto__ }', 'artifacts.name', 'invalid_name'],
    ['artifacts: { paths: a, when: on_failure }', 'artifacts.when', 'unknown_value'],
    ['artifacts: { paths: a, expire_in: never }', 'artifacts.expire_in', 'invalid_duration'],
    ['artifacts: { paths: a, expire_in: 59s }', 'artifacts.expire_in', 'out_of_range'],
    ['artifacts: { paths: a, expire_in: 3651d }', 'artifacts.expire_in', 'out_of_range'],
    ['artifacts: { paths: a, retention: 3d }', 'artifacts.retention', 'unknown_key'],
  ])('%s is refused', (yaml, path, code) => {
    expect(codes(read(yaml).problems)).toEqual([[path, code]]);
  });

  it('says what to write instead of the words of other systems', () => {
    const { problems } = read('artifacts: { paths: a, when: on_failure, expires_in: 3d }');
    const hints = problems.map(({ suggestion }) => suggestion);
    expect(hints).toEqual(['Did you mean "failure"?', 'Write expire_in']);
  });

  it('has at most 100 paths', () => {
    const list = (count: number): string => {
      const paths = Array.from({ length: count }, (_each, index) => `p${index}`);
      return `artifacts: [${paths.join()}]`;
    };
    expect(read(list(100)).problems).toEqual([]);
    expect(codes(read(list(101)).problems)).toEqual([['artifacts', 'out_of_range']]);
  });

  it('takes expressions in paths, and notes them for the compiler', () => {
    const { plan, problems, expressions } = read('artifacts: ["dist-${{ inputs.version }}/**"]');
    expect(problems).toEqual([]);
    expect(plan?.paths).toEqual(['dist-${{ inputs.version }}/**']);
    expect(expressions).toMatchObject([{ kind: 'template', path: ['artifacts', 0] }]);
  });
});
