import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import { randomUUID } from 'node:crypto';
import { testServices } from '../../../test/support/services.js';
import { nameRecord } from '../../common/values/name-record.js';
import { DatabaseConnection } from '../../integrations/database/database-connection.js';
import {
  PIPELINE_MODEL,
  pipelineSchema,
  type PipelineDocument,
} from '../../pipelines/definitions/pipeline.schema.js';
import type { StoredPipeline } from '../../pipelines/definitions/stored-pipeline.js';
import { PipelinesRepository } from '../../pipelines/definitions/pipelines.repository.js';
import { ExecutionTraceRecord, ExecutionTraceSchema } from './execution-trace.schema.js';
import { ExecutionTracesRepository } from './execution-traces.repository.js';
import { pendingExecution } from './execution.fixture.js';
import { ExecutionRecord, ExecutionSchema } from './execution.schema.js';
import { ExecutionsRepository } from './executions.repository.js';
import { executionFinished } from './outbox-event.js';

const { mongodbUri, databaseName } = testServices();
const database = new DatabaseConnection({ uri: mongodbUri, databaseName, poolSize: 5 });
const model = database.connection.model(ExecutionRecord.name, ExecutionSchema);
const executions = new ExecutionsRepository(model, testKeyring());
const pipelines = new PipelinesRepository(
  database.connection.model<StoredPipeline>(PIPELINE_MODEL, pipelineSchema),
  testKeyring(),
);
const traces = new ExecutionTracesRepository(
  database.connection.model(ExecutionTraceRecord.name, ExecutionTraceSchema),
);

/** What every object inherits, and what Mongoose and the driver give a meaning. */
const names = [
  ...Object.getOwnPropertyNames(Object.prototype),
  'prototype',
  '_bsontype',
  'toBSON',
  'toJSON',
  'isMongooseObject',
];
const record = nameRecord(names.map((name) => [name, `value of ${name}`] as const));
const entries = Object.entries(record);
const entriesOf = (read: object | undefined) => Object.entries(read ?? {});

beforeAll(() => database.open());
afterAll(() => database.close());

describe('names that users chose, in the database', () => {
  const step = {
    name: 'one',
    status: 'success',
    reason: null,
    started_at: null,
    finished_at: null,
    duration: null,
    exit_code: 0,
    continued_on_error: false,
    flaky: false,
    outputs: record,
    attempts: [],
  } as const;

  it('come back from an execution: inputs, variables, outputs, by every way to read it', async () => {
    const _id = randomUUID();
    await executions.insert(
      pendingExecution({ _id, inputs: record, environment: record, checkout: step }),
    );
    const found = await executions.find(_id);
    const claimed = await executions.claim(_id, { id: 'w', name: 'w' }, 5_000);
    const cancelled = await executions.requestCancel(_id, { at: new Date(), by: 'x' });
    for (const read of [found, claimed, cancelled]) {
      expect(entriesOf(read?.inputs)).toEqual(entries);
      expect(entriesOf(read?.environment)).toEqual(entries);
      expect(entriesOf(read?.checkout?.outputs)).toEqual(entries);
    }
  });

  it('come back from what a worker records', async () => {
    const _id = randomUUID();
    await executions.insert(pendingExecution({ _id }));
    await executions.claim(_id, { id: 'w', name: 'w' }, 5_000);
    const { name, status, reason, started_at, finished_at, duration } = step;
    const stage = { name, status, reason, started_at, finished_at, duration };
    const run = {
      checkout: null,
      stages: [{ ...stage, steps: [step] }],
      on_failure: [step],
      always: [step],
      failure: null,
      commit: null,
    };
    const { trigger_info } = pendingExecution();
    const progress = { ...run, trigger_info, started_at: null, last_seq: 0 };
    expect(await executions.recordProgress({ executionId: _id, fence: 1 }, progress)).toBe(true);
    const read = await executions.find(_id);
    for (const each of [read?.stages[0]?.steps[0], read?.on_failure[0], read?.always[0]]) {
      expect(entriesOf(each?.outputs)).toEqual(entries);
    }
  });

  it('come back from an execution that was ended', async () => {
    const _id = randomUUID();
    await executions.insert(pendingExecution({ _id }));
    const at = new Date();
    const times = { started_at: null, finished_at: at };
    const end = { status: 'cancelled', reason: null, always: [step], ...times } as const;
    const news = executionFinished(_id, at);
    const options = { deadlineMs: 3_000 };
    expect(await executions.end({ executionId: _id }, end, news, options)).toBe('ended');
    expect(entriesOf((await executions.find(_id))?.always[0]?.outputs)).toEqual(entries);
  });

  it('are read from a document of an older release, where they are keys', async () => {
    const _id = randomUUID();
    const old = pendingExecution({ _id, inputs: { n: 1 }, environment: { A: 'a' } });
    await database.connection.collection('executions').insertOne(old as never);
    expect(await executions.find(_id)).toMatchObject({ inputs: { n: 1 }, environment: { A: 'a' } });
  });

  it('come back from a pipeline', async () => {
    const now = new Date();
    const pipeline: PipelineDocument = {
      _id: randomUUID(),
      name: 'constructor',
      triggers: [],
      stages: [
        {
          name: 'constructor',
          parallel: false,
          environment: record,
          steps: [
            {
              name: 'toString',
              step_type: 'shell',
              config: {},
              continue_on_error: false,
              environment: record,
            },
          ],
        },
      ],
      environment: record,
      timeout: 1,
      retry_count: 0,
      yaml_content: 'x',
      version: 1,
      plan_hash: 'x',
      created_at: now,
      updated_at: now,
    };
    await pipelines.insert(pipeline);
    const check = async (): Promise<void> => {
      const read = await pipelines.find(pipeline._id);
      expect(entriesOf(read?.environment)).toEqual(entries);
      expect(entriesOf(read?.stages[0]?.environment)).toEqual(entries);
      expect(entriesOf(read?.stages[0]?.steps[0]?.environment)).toEqual(entries);
    };
    await check();
    const { _id, created_at, ...change } = pipeline;
    await pipelines.advance(_id, { ...change, version: 2, updated_at: created_at });
    await check();
  });

  it('come back from a trace', async () => {
    const hold = { executionId: randomUUID(), fence: 1 };
    const trace = { expression: 'env', result: true, parts: [{ text: 'env', value: record }] };
    await traces.save(hold, [{ stage: 'a', step: null, trace }]);
    const [read] = await traces.find(hold.executionId, 1);
    expect(entriesOf(read?.trace.parts[0]?.value as object)).toEqual(entries);
  });
});
