import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../plan/plan.js';
import { finished } from '../runtime/run-plan.fixture.js';
import { kindOf } from '../steps/step-kind-registry.js';
import { compileYaml } from './compile-yaml.js';
import { hashPlan } from './hash-plan.js';

/** Plans and hashes as an earlier version stored them, each beside its YAML. Never made again. */
const folder = join(__dirname, 'stored-plans');
const samples = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => file.slice(0, -'.yaml'.length));

function read(name: string): { yaml: string; stored: { hash: string; plan: Plan } } {
  const yaml = readFileSync(join(folder, `${name}.yaml`), 'utf8');
  const json = readFileSync(join(folder, `${name}.json`), 'utf8');
  return { yaml, stored: JSON.parse(json) as { hash: string; plan: Plan } };
}

describe.each(samples)('the plan of %s, as it was stored', (name) => {
  const { yaml, stored } = read(name);

  it('is what the same YAML still becomes, under the same hash', () => {
    const { plan } = compileYaml(yaml);
    expect(plan).toEqual(stored.plan);
    expect(plan && hashPlan(plan)).toBe(stored.hash);
    expect(hashPlan(stored.plan)).toBe(stored.hash);
  });

  it('still runs, and is still told', async () => {
    const inputs = { target: 'staging' };
    const context = {
      ...{ executionId: 'e', pipelineId: 'p', pipelineName: 'n', executionAttempt: 1 },
      ...{ trigger: { event: 'manual' }, inputs, environment: {} },
    };
    const { state } = await finished(stored.plan, { context });
    expect(state.status).toBe('success');
    for (const { action } of stored.plan.stages.flatMap((stage) => stage.steps)) {
      expect(kindOf(action).view(action).summary).not.toBe('');
    }
  });
});

it('there are samples of both forms', () => {
  expect(samples).toEqual(['own-form', 'rustci-form']);
});
