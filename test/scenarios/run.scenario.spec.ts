import { leftProcesses } from './left-processes.js';
import { InProcessRunner, type ScenarioEnd } from './run-in-process.js';
import { checkOutcome } from './run-outcome.js';
import {
  expectationNames,
  filled,
  pooled,
  readScenario,
  scenarioNames,
  type Expectation,
} from './run-scenario.js';
import { ScenarioRepositories } from './scenario-repositories.js';

/**
 * Every runnable scenario of `run/`, with the real engine, step handlers, processes and log, but
 * without a server.
 */
const names = scenarioNames();

describe('run', () => {
  let repositories: ScenarioRepositories;
  let runner: InProcessRunner;
  let ends: Map<string, Promise<ScenarioEnd>>;

  beforeAll(async () => {
    [repositories, runner] = await Promise.all([
      ScenarioRepositories.start(),
      InProcessRunner.start(),
    ]);
    ends = pooled(names, 8, (name) => runner.run(readScenario(name, repositories.placeholders)));
  });

  afterAll(async () => {
    await Promise.allSettled(ends.values());
    await runner.stop();
    await repositories.stop();
  });

  it('has at least 80 scenarios, each with its expectation', () => {
    expect(names.length).toBeGreaterThanOrEqual(80);
    expect(expectationNames()).toEqual(names);
  });

  it.each(names)('%s', async (name) => {
    const { expected } = readScenario(name, repositories.placeholders);
    const end = await ends.get(name);
    if (end?.kind === 'refused') {
      expect({ refused: end.codes }).toEqual({ refused: expected.refused });
      return;
    }
    expect(end?.kind).toBe('ran');
    if (end?.kind !== 'ran') return;
    const places = {
      EXECUTION_ID: end.executionId,
      PIPELINE_ID: end.pipelineId,
      WORKSPACE: end.workspace,
      NUMBERED: '', // No server counts these.
    };
    checkOutcome(filled(expected, places) as Expectation, end.outcome);
  });

  it('leaves no process and no workspace', async () => {
    const all = await Promise.all(ends.values());
    const ids = all.flatMap((end) => (end.kind === 'ran' ? [end.executionId] : []));
    expect(ids.length).toBeGreaterThan(80);
    expect(await leftProcesses(new Set(ids))).toEqual([]);
    expect(await runner.workspacesLeft()).toEqual([]);
  });
});
