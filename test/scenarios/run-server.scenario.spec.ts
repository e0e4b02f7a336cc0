import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';
import type { ScenarioEnd } from './run-in-process.js';
import { leftProcesses } from './left-processes.js';
import { runOverApi } from './run-over-api.js';
import { checkOutcome } from './run-outcome.js';
import {
  type Expectation,
  filled,
  pooled,
  readScenario,
  runsOverApi,
  scenarioNames,
} from './run-scenario.js';
import { ScenarioRepositories } from './scenario-repositories.js';

/**
 * The scenarios of `run/` through a real server: an API and two workers as processes, database and
 * Redis.
 */
jest.setTimeout(300_000);

const names = scenarioNames().filter((name) => runsOverApi(readScenario(name, {}).expected));

describe('run over the API', () => {
  let repositories: ScenarioRepositories;
  let server: MillraceServer;
  let ends: Map<string, Promise<ScenarioEnd>>;

  beforeAll(async () => {
    [repositories, server] = await Promise.all([
      ScenarioRepositories.start(),
      MillraceServer.start({ workers: 2, environment: { WORKER_LABELS: 'linux', PUBLIC_URL: 'https://ci.example.org' } }),
    ]);
    ends = pooled(names, 8, (name) =>
      runOverApi(server, readScenario(name, repositories.placeholders)),
    );
  });

  afterAll(async () => {
    await Promise.allSettled(ends.values());
    await server.stop();
    await repositories.stop();
  });

  it('takes nearly all of them', () => {
    expect(names.length).toBeGreaterThan(scenarioNames().length - 10);
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
      NUMBERED: 'CI_EXECUTION_NUMBER CI_EXECUTION_URL ',
    };
    checkOutcome(filled(expected, places) as Expectation, end.outcome);
  });

  it('leaves no process and no workspace', async () => {
    const all = await Promise.all(ends.values());
    const ids = new Set(all.flatMap((end) => (end.kind === 'ran' ? [end.executionId] : [])));
    expect(ids.size).toBeGreaterThan(80);
    const folder = join(server.home, 'w');
    await eventually(async () => (await leftProcesses(ids)).length === 0 || undefined);
    await eventually(async () => (await readdir(folder)).length === 0 || undefined);
  });
});
