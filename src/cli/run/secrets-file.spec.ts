import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { RunContext } from '../../engine/plan/plan.js';
import { readSecretsFile, readVariablesFile, refuseMissingSecrets } from './secrets-file.js';

const YAML = `
name: x
stages:
  - { name: test, steps: [{ name: unit, run: a }] }
  - { name: publish, when: trigger.event == 'tag', steps: [{ name: up, run: a, secrets: [PYPI_TOKEN] }] }
  - { name: maybe, when: env.WORD == 'x', steps: [{ name: on, run: a, secrets: [WORD_TOKEN] }] }
`;

function refusal(trigger: RunContext['trigger'], WORD?: string): string {
  const { plan } = compileYaml(YAML);
  if (!plan) throw new Error('no plan');
  const ids = { executionId: 'e', pipelineId: 'p', pipelineName: 'x', executionAttempt: 1 };
  const environment: Record<string, string> = WORD === undefined ? {} : { WORD };
  try {
    refuseMissingSecrets(plan, { ...ids, trigger, inputs: {}, environment }, {});
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

it('asks for no secret of what this run skips in any case, and says what names the others', () => {
  expect(refusal({ event: 'cli' })).toBe('');
  expect(refusal({ event: 'tag', tag: 'v1' })).toBe(
    'There is no secret PYPI_TOKEN (named by step "up" of stage "publish").',
  );
  expect(refusal({ event: 'tag', tag: 'v1' }, 'x')).toMatch(
    /^There are no secrets PYPI_TOKEN \(.*\), WORD_TOKEN \(named by step "on" of stage "maybe"\)\.$/,
  );
});

describe('a file of NAME=value lines', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'secrets-file-'));
    file = join(folder, 'values');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('has comments, quotes and values of several lines, and loses no name', async () => {
    writeFileSync(
      file,
      '# all\nA=1234 # one\nB="two\nlines"\n__proto__=Other __proto__\nOther=last\nA=12345\n',
    );
    for (const read of [readVariablesFile, readSecretsFile]) {
      expect(Object.entries(await read(file)).sort()).toEqual([
        ['A', '12345'],
        ['B', 'two\nlines'],
        ['Other', 'last'],
        ['__proto__', 'Other __proto__'],
      ]);
    }
  });

  it('is refused where a name or value fits no secret, and the value is not shown', async () => {
    writeFileSync(file, 'GOOD=good-enough\nCI_KEY=hunter2-and-more\n');
    await expect(readSecretsFile(file)).rejects.toMatchObject({
      exitCode: 2,
      message: `${file}: CI_KEY: "CI_KEY" is reserved: Millrace sets CI and CI_*.`,
    });
    writeFileSync(file, 'SHORT=ab\n');
    await expect(readSecretsFile(file)).rejects.toMatchObject({
      message: expect.stringMatching(/: SHORT: .*masked/),
    });
  });
});
