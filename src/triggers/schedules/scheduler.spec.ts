import { Logger } from '@nestjs/common';
import { standIn } from '../../../test/support/stand-in.js';
import { notFound } from '../../common/errors/millrace.error.js';
import { compileYaml } from '../../engine/compiler/compile-yaml.js';
import { definitionDocument } from '../../engine/definition/definition-document.js';
import type {
  PipelinesService,
  RunnableVersion,
} from '../../pipelines/definitions/pipelines.service.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { MemoryScheduleStore } from './memory-schedule-store.fixture.js';
import type { ScheduleClock } from './schedule-clock.js';
import { PipelineDecider } from '../decisions/pipeline-decider.js';
import type { ScheduleStarter } from './schedule-starter.js';
import type { Tick } from './schedule-store.js';
import { Scheduler } from './scheduler.js';

Logger.overrideLogger(false);

const PIPELINE = '0190a0b0-0000-7000-8000-00000000000a';
const CREATED = Date.parse('2026-06-15T12:00:30Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Change = Partial<Pick<RunnableVersion, 'enabled' | 'source'>>;

describe('the scheduler', () => {
  let store: MemoryScheduleStore;
  let now: number;
  let schedule: string;
  let inputs: string;
  let change: Change;
  let repository: Partial<RepositoryDocument> | undefined;
  let started: string[];
  let isAway: boolean;

  beforeEach(() => {
    store = new MemoryScheduleStore();
    now = CREATED;
    schedule = '{ cron: "0 * * * *" }';
    inputs = '{}';
    change = { enabled: true };
    repository = undefined;
    started = [];
    isAway = false;
  });

  const definition = () => {
    const text = `name: x\ntriggers: [{ manual: { inputs: ${inputs} } }, { schedule: ${schedule} }]\nsteps: [a]\n`;
    const compiled = compileYaml(text);
    if (!compiled.definition) throw new Error(JSON.stringify(compiled.problems));
    const { triggers } = definitionDocument(compiled.definition);
    return { triggers, inputs: compiled.definition.inputs };
  };
  const scheduler = (): Scheduler => {
    const pipelines = standIn<PipelinesService>({
      scheduled: async () => [
        { _id: PIPELINE, triggers: definition().triggers, updated_at: new Date(CREATED) },
      ],
      getVersion: async (id) => {
        if (id !== PIPELINE) throw notFound('pipeline', id);
        const version = { pipelineId: id, number: 3, definition: definition(), ...change };
        return version as RunnableVersion;
      },
    });
    const repositories = standIn<RepositoriesService>({
      find: async () => repository as RepositoryDocument | undefined,
    });
    return new Scheduler(
      store,
      standIn<ScheduleClock>({ now: () => now }),
      pipelines,
      new PipelineDecider(pipelines, repositories),
      standIn<ScheduleStarter>({
        start: async ({ executionId }: Tick) => {
          if (isAway) throw new Error('away');
          started.push(executionId ?? '');
        },
      }),
    );
  };
  const at = async (time: string, of = scheduler()): Promise<Tick | null> => {
    now = Date.parse(time);
    await of.round();
    return (await store.all())[0]?.last ?? null;
  };

  it('decides each tick once, whoever looks', async () => {
    const [a, b] = [scheduler(), scheduler()];
    await Promise.all([a.round(), b.round()]);
    expect(await at('2026-06-15T12:59:59Z', a)).toBeNull();
    now = Date.parse('2026-06-15T13:00:00Z');
    await Promise.all([a.round(), b.round()]);
    await b.round();
    const tick = await at('2026-06-15T13:10:00Z', b);
    expect(tick).toMatchObject({
      at: new Date('2026-06-15T13:00:00Z'),
      starts: true,
      reason: { code: 'trigger_accepted', message: 'it is time: "0 * * * *" in UTC' },
      version: 3,
    });
    expect(started).toEqual([tick?.executionId]);
    await at('2026-06-15T14:00:01Z', b);
    expect(started).toHaveLength(2);
  });

  it('starts no tick of the time before the pipeline was there', async () => {
    now = CREATED + 10_000;
    schedule = '{ cron: "0 12 * * *" }';
    expect(await at('2026-06-15T12:00:40Z')).toBeNull();
    expect(started).toEqual([]);
  });

  it('makes up for the newest missed tick, and for no other', async () => {
    await scheduler().round();
    const tick = await at('2026-06-15T18:20:00Z');
    expect(tick).toMatchObject({
      at: new Date('2026-06-15T18:00:00Z'),
      starts: true,
      reason: { code: 'schedule_caught_up', data: { late_ms: 20 * MINUTE_MS } },
    });
    expect(started).toHaveLength(1);
  });

  it.each([
    ['{ cron: "0 13 * * mon" }', '2026-06-16T13:00:00Z'],
    ['{ cron: "0 13 * * mon", catch_up: false }', '2026-06-15T13:02:00Z'],
  ])('a tick of %s that is missed for good at %s', async (rule, time) => {
    schedule = rule;
    await scheduler().round();
    expect(await at(time)).toMatchObject({
      at: new Date('2026-06-15T13:00:00Z'),
      starts: false,
      executionId: null,
      reason: { code: 'schedule_missed' },
    });
    expect(started).toEqual([]);
  });

  it.each<[string, Change, Partial<RepositoryDocument> | undefined, string]>([
    ['it is disabled', { enabled: false }, undefined, 'pipeline_disabled'],
    [
      'its repository is gone',
      { enabled: true, source: { repository_id: 'r', path: 'p', branch: 'main' } },
      undefined,
      'repository_gone',
    ],
    [
      'it was seen on another branch alone',
      { enabled: true, source: { repository_id: 'r', path: 'p' } },
      { default_branch: 'main' },
      'schedule_off_default_branch',
    ],
    [
      'the default branch is another one now',
      { enabled: true, source: { repository_id: 'r', path: 'p', branch: 'main' } },
      { default_branch: 'trunk' },
      'schedule_off_default_branch',
    ],
  ])('says why nothing starts: %s', async (_why, is, there, code) => {
    change = is;
    repository = there;
    await scheduler().round();
    expect(await at('2026-06-15T13:00:05Z')).toMatchObject({ starts: false, reason: { code } });
    expect(started).toEqual([]);
  });

  it('says that an input is missing', async () => {
    inputs = '{ target: { required: true } }';
    await scheduler().round();
    expect(await at('2026-06-15T13:00:05Z')).toMatchObject({
      starts: false,
      reason: { code: 'inputs_invalid' },
    });
  });

  it('a rule that was away for a time has missed nothing', async () => {
    await scheduler().round();
    const before = schedule;
    schedule = '{ cron: "30 5 1 1 *" }';
    await at('2026-06-15T12:30:00Z');
    expect(await store.all()).toHaveLength(1);
    schedule = before;
    expect(await at('2026-06-15T20:20:00Z')).toBeNull();
    expect(started).toEqual([]);
    await at('2026-06-15T21:00:00Z');
    expect(started).toHaveLength(1);
  });

  it('starts what another one has decided and not started', async () => {
    const [dead, other] = [scheduler(), scheduler()];
    await dead.round();
    isAway = true;
    const tick = await at('2026-06-15T13:00:00Z', dead);
    isAway = false;
    const clock = jest.spyOn(performance, 'now');
    clock.mockReturnValue(HOUR_MS);
    await other.round();
    expect(started).toEqual([]);
    clock.mockReturnValue(HOUR_MS + 10_000);
    await other.round();
    clock.mockRestore();
    expect(started).toEqual([tick?.executionId]);
    expect(await store.open(10)).toEqual([]);
  });
});
