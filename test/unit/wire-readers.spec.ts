import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Reader } from '../../src/cli/api/answer-shape.js';
import * as readers from '../../src/cli/api/wire-readers.js';
import { samplesOf, type Schema } from '../support/schema-samples.js';

interface Document {
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly responses: {
    readonly 200: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  };
}

const file = resolve(__dirname, '../../openapi.json');
const { paths, components } = JSON.parse(readFileSync(file, 'utf8')) as Document;
const { schemas } = components;
const named = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const listOf = (items: Schema): Schema => ({ type: 'array', items });

/** A list as it is with a limit; without one it is an array. */
function page(path: string): Schema {
  const { schema } = paths[path]?.get.responses[200].content['application/json'] ?? {};
  return schema?.oneOf?.find(({ type }) => type === 'object') ?? {};
}

/** What the server answers where the command line reads it, by the name of its reader. */
const answers = new Map<string, readonly [Reader<unknown>, Schema]>([
  ['problem', [readers.problem, named('ProblemResponse')]],
  ['pipelineSummary', [readers.pipelineSummary, named('PipelineSummaryResponse')]],
  ['savedPipeline', [readers.savedPipeline, named('SavedPipelineResponse')]],
  ['wholePipeline', [readers.wholePipeline, named('PipelineResponse')]],
  ['pipelineVersion', [readers.pipelineVersion, named('VersionSummaryResponse')]],
  ['wholeVersion', [readers.wholeVersion, named('VersionResponse')]],
  ['pipelineStats', [readers.pipelineStats, named('PipelineStatsResponse')]],
  ['validation', [readers.validation, named('ValidationResponse')]],
  ['accepted', [readers.accepted, named('AcceptedExecutionResponse')]],
  ['executionSummary', [readers.executionSummary, named('ExecutionSummaryResponse')]],
  ['execution', [readers.execution, named('ExecutionResponse')]],
  // An event of the live feed holds some properties of the execution.
  ['liveExecution', [readers.liveExecution, named('ExecutionResponse')]],
  ['explanation', [readers.explanation, named('ExplanationResponse')]],
  ['detection', [readers.detection, named('DetectionResponse')]],
  ['planAnswer', [readers.planAnswer, named('PlanResponse')]],
  ['workers', [readers.workers, listOf(named('WorkerDto'))]],
  ['removal', [readers.removal, named('RemovalResponse')]],
  ['removalPlan', [readers.removalPlan, named('RemovalPlanResponse')]],
  ['instanceDeployment', [readers.instanceDeployment, named('InstanceDeploymentResponse')]],
  ['serviceLog', [readers.serviceLog, named('ServiceLogResponse')]],
  ['rollbackPlan', [readers.rollbackPlan, named('RollbackPlanResponse')]],
  ['ports', [readers.ports, named('PortsResponse')]],
  ['auditRecord', [readers.auditRecord, named('AuditRecordResponse')]],
  ['verification', [readers.verification, named('VerificationResponse')]],
  ['logIns', [readers.logIns, named('LogInsResponse')]],
  ['sessionTokens', [readers.sessionTokens, named('SessionTokensResponse')]],
  ['me', [readers.me, named('MeResponse')]],
  ['madeToken', [readers.madeToken, named('MadeTokenResponse')]],
  ['repository', [readers.repository, named('RepositoryResponse')]],
  ['connectedRepository', [readers.connectedRepository, named('ConnectedRepositoryResponse')]],
  ['checkedRepository', [readers.checkedRepository, named('CheckedRepositoryResponse')]],
  ['deliverySummary', [readers.deliverySummary, named('DeliverySummaryResponse')]],
  ['delivery', [readers.delivery, named('DeliveryResponse')]],
  ['acceptedDelivery', [readers.acceptedDelivery, named('AcceptedDeliveryResponse')]],
  ['approvedDelivery', [readers.approvedDelivery, named('ApprovedDeliveryResponse')]],
  ['artifact', [readers.artifact, named('ArtifactResponse')]],
  ['deployment', [readers.deployment, named('DeploymentResponse')]],
  [
    'deploymentExplanation',
    [readers.deploymentExplanation, named('DeploymentExplanationResponse')],
  ],
  ['service', [readers.service, named('ServiceResponse')]],
  ['alert', [readers.alert, named('AlertResponse')]],
  ['executionAlert', [readers.executionAlert, named('ExecutionAlertResponse')]],
  ['serviceHealth', [readers.serviceHealth, named('ServiceHealthResponse')]],
  ['environment', [readers.environment, named('EnvironmentResponse')]],
  ['environmentPage', [readers.environmentPage, named('EnvironmentPageResponse')]],
  ['cache', [readers.cache, named('CacheResponse')]],
  ['testReports', [readers.testReports, listOf(named('TestReportResponse'))]],
  ['pipelineTests', [readers.pipelineTests, named('PipelineTestsResponse')]],
  ['schedules', [readers.schedules, named('SchedulesResponse')]],
  ['encryptionKeys', [readers.encryptionKeys, named('EncryptionKeysResponse')]],
  ['token', [readers.token, named('TokenResponse')]],
  ['encryptionKeys', [readers.encryptionKeys, named('EncryptionKeysResponse')]],
  ['serviceAccount', [readers.serviceAccount, named('ServiceAccountResponse')]],
  ['secret', [readers.secret, named('SecretResponse')]],
  ['health', [readers.health, named('HealthResponse')]],
  ['page', [readers.page(readers.pipelineSummary, 1), page('/api/ci/pipelines')]],
]);
/** Lines of logs are text for the document. */
const UNDOCUMENTED = ['logLine', 'logLines', 'readLogLine'];

/** Stages of a stored pipeline are as they were written. */
const AS_WRITTEN = ['.stages[].name', '.stages[].steps'];

/** A valid plan has all its parts, which the document cannot say. */
function canCome(sample: unknown): boolean {
  const { valid, plan, decision, mermaid } = sample as Readonly<Record<string, unknown>>;
  return valid !== true || ![plan, decision, mermaid].includes(null);
}

it.each([...answers])('%s takes what the document says', (name, [reader, schema]) => {
  const samples = [...samplesOf(schema, schemas)].filter(canCome);
  const read = samples.map((sample) => reader(sample, ''));
  const known = new Set(read.flatMap((value) => pathsOf(value, (each) => each != null)));
  const asked = new Set(read.flatMap((value) => pathsOf(value, () => true)));
  expect([...asked].filter((path) => !known.has(path))).toEqual(
    name === 'wholePipeline' ? AS_WRITTEN : [],
  );
  expect(known.size).toBeGreaterThan(0);
});

it('no reader is left out', () => {
  const tried = [...answers.keys(), ...UNDOCUMENTED];
  expect(tried.sort()).toEqual(Object.keys(readers).sort());
});

/** Places in a value, `stages[].name`, whose own value is wanted. */
function pathsOf(value: unknown, isWanted: (value: unknown) => boolean, place = ''): string[] {
  const own = isWanted(value) ? [place] : [];
  if (typeof value !== 'object' || value === null) return own;
  const parts: readonly (readonly [string, unknown])[] = Array.isArray(value)
    ? value.map((each: unknown) => [`${place}[]`, each] as const)
    : Object.entries(value).map(([name, each]) => [`${place}.${name}`, each] as const);
  return [...own, ...parts.flatMap(([name, each]) => pathsOf(each, isWanted, name))];
}
