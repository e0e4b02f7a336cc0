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

  it.each([
    ['a word', 'A=12345\n\nWORD\n', 3],
    ['a name alone', 'export A\n', 1],
    ['no name', 'A=12345\n=12345\n', 2],
    ['another form', '# all\nA: 12345', 2],
    ['the second line of a value without quotes', 'A=12345\nmore\nB=12345\n', 2],
    ['a line behind a value of several lines', 'A="12345\n67890" # one\nmore\n', 3],
    ['a line behind quotes that do not end', 'A="12345\nmore\n', 2],
  ])('is refused by its line where that is none: %s', async (_what, text, line) => {
    writeFileSync(file, text);
    for (const read of [readVariablesFile, readSecretsFile]) {
      await expect(read(file)).rejects.toMatchObject({
        exitCode: 2,
        message: `${file}:${line}: this line is no NAME=value.`,
      });
    }
  });

  it.each([
    ['export A=12345', { A: '12345' }],
    ['  A = 12345 # one\r\n\r\n  # two\r\nB=23456\r\n', { A: '12345', B: '23456' }],
    [
      'A=  "12345\nno name\n# 678" rest\nB=\'12"345\n6\'\nC=`1"2\n\'345`',
      {
        A: '12345\nno name\n# 678',
        B: '12"345\n6',
        C: '1"2\n\'345',
      },
    ],
    ['A="12345\nB=23456', { A: '"12345', B: '23456' }],
  ])('is taken as it always was: %j', async (text, values) => {
    writeFileSync(file, text);
    expect(await readSecretsFile(file)).toEqual(values);
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
