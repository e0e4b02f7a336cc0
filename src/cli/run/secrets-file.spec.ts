import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import type { RunContext } from '../../engine/plan/plan.js';
import { refuseMissingSecrets } from './secrets-file.js';

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
