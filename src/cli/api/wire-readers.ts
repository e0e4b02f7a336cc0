import {
  dictionary,
  flag,
  instant,
  list,
  nullable,
  number,
  object,
  optional,
  raw,
  type Reader,
  readJson,
  shallow,
  ShapeError,
  text,
  uuid,
} from './answer-shape.js';

/**
 * What answers of the API must be, for what the command line makes of them, and the types of what
 * comes out. They are held against `openapi.json` (test/unit/wire-readers.spec.ts), and are not
 * generated from it: a server may be of another release.
 */

const reason = object({ code: text, message: text });
export type Reason = ReturnType<typeof reason>;

/** Where `data` of a reason is shown too. */
const reasonWithData = object({ code: text, message: text, data: optional(dictionary) });
export type ReasonWithData = ReturnType<typeof reasonWithData>;

const outcome = {
  status: text,
  reason: nullable(reason),
  started_at: nullable(instant),
  finished_at: nullable(instant),
  duration: nullable(number),
};

export const problem = object({
  line: number,
  column: number,
  severity: text,
  code: text,
  message: text,
  suggestion: optional(text),
});

const pipelineFields = {
  id: uuid,
  name: text,
  description: nullable(text),
  version: number,
  enabled: optional(flag),
  created_at: instant,
  updated_at: instant,
};

export const pipelineSummary = object(pipelineFields);
export type PipelineSummary = ReturnType<typeof pipelineSummary>;

export const savedPipeline = object({
  ...pipelineFields,
  warnings: list(problem),
});
export type SavedPipeline = ReturnType<typeof savedPipeline>;

export const wholePipeline = object({
  ...pipelineFields,
  triggers: list(shallow),
  stages: list(
    object({
      name: optional(text),
      steps: optional(list(shallow)),
    }),
  ),
  timeout: number,
});

const versionFields = { version: number, name: text, created_by: text, created_at: instant };
export const pipelineVersion = object(versionFields);
export const wholeVersion = object({ ...versionFields, yaml_content: raw });

const percentiles = object({ p50: nullable(number), p95: nullable(number) });
const lastExecution = nullable(object({ id: uuid, finished_at: instant }));
export const pipelineStats = object({
  days: number,
  looked_at: number,
  cut: flag,
  by_status: dictionary,
  success_rate: nullable(number),
  duration_ms: percentiles,
  queue_ms: percentiles,
  unsteady_steps: list(
    object({
      ...{ stage: text, step: text },
      ...{ runs: number, failed: number, flaky: number, share: number },
    }),
  ),
  last_success: lastExecution,
  last_failure: lastExecution,
});
export type PipelineStats = ReturnType<typeof pipelineStats>;

export const validation = object({
  valid: flag,
  name: nullable(text),
  problems: list(problem),
});
export type Validation = ReturnType<typeof validation>;

export const accepted = object({ execution_id: uuid, message: text, number: nullable(number) });

/** Absent: the server is of an older release. */
const waitsFor = { waits_for: optional(nullable(reason)) };

const executionFields = {
  ...outcome,
  id: uuid,
  pipeline_id: uuid,
  pipeline_name: text,
  pipeline_version: number,
  number: nullable(number),
  trigger_info: object({
    trigger_type: text,
    triggered_by: text,
    branch: optional(text),
    tag: optional(text),
    commit_hash: optional(text),
  }),
  commit: nullable(
    object({
      sha: text,
      message: text,
      author: text,
    }),
  ),
  attempt: number,
  created_at: instant,
};

export const executionSummary = object(executionFields);
export type ExecutionSummary = ReturnType<typeof executionSummary>;

const stepAttempt = object({
  number: optional(number),
  phases: optional(list(object({ name: text, duration: nullable(number) }))),
  artifacts: optional(object({ files: number, bytes: number })),
  tests: optional(object({ passed: number, failed: number, error: number, flaky: number })),
});
export type StepAttempt = ReturnType<typeof stepAttempt>;

const step = object({
  ...outcome,
  name: text,
  exit_code: nullable(number),
  continued_on_error: flag,
  flaky: flag,
  attempts: list(stepAttempt),
});
export type Step = ReturnType<typeof step>;
export type Outcome = Pick<Step, keyof typeof outcome>;

export const artifact = object({
  path: text,
  size: number,
  digest: text,
  stage: text,
  step: text,
  attempt: number,
});

export const deployment = object({
  deployment_id: text,
  kind: text,
  status: text,
  reason: nullable(reason),
  environment: text,
  service: text,
  host: text,
  phases: list(object({ name: text, started_at: instant, finished_at: nullable(instant) })),
  warnings: list(reason),
  release: nullable(object({ number })),
  approval: optional(
    nullable(
      object({
        required: number,
        missing: number,
        given: list(
          object({ kind: text, login: text, at: instant, reason: nullable(text), counts: flag }),
        ),
      }),
    ),
  ),
  logs: list(text),
  execution_id: nullable(text),
  commit: nullable(text),
  triggered_by: text,
  created_at: instant,
});
export const rollbackPlan = object({
  service_id: text,
  release: object({ number, commit: nullable(text), created_at: instant }),
  serving: nullable(object({ number })),
  warnings: list(reason),
});
export type RollbackPlan = ReturnType<typeof rollbackPlan>;

export const serviceLog = object({ service_id: text, release: number, lines: list(text) });

/** Of a deployed service. */
export const removal = object({ deployment_id: uuid });

export const removalPlan = object({
  environment: text,
  name: text,
  services: list(
    object({
      service: text,
      host: text,
      releases: list(number),
      folders: list(text),
      instances: list(text),
      images: list(text),
      ports: list(number),
      routes: list(text),
    }),
  ),
});
export type RemovalPlan = ReturnType<typeof removalPlan>;
export const instanceDeployment = object({ deployment_id: uuid });

export type Deployment = ReturnType<typeof deployment>;

export const deploymentExplanation = object({
  deployment_id: text,
  status: text,
  environment: text,
  service: text,
  reason: nullable(reason),
  parts: list(object({ about: text, code: text, message: text, at: nullable(instant) })),
});
export type DeploymentExplanation = ReturnType<typeof deploymentExplanation>;

export const service = object({
  id: text,
  name: text,
  environment: text,
  service_type: text,
  status: text,
  reason,
  since: instant,
  host: nullable(text),
  endpoints: list(
    object({ url: text, status: nullable(text), problem: nullable(object({ message: text })) }),
  ),
  tags: list(text),
  dependencies: list(text),
  root_cause: nullable(object({ service: text, status: text, since: instant })),
  maintenance: nullable(object({ until: instant, reason: nullable(text) })),
});
export type Service = ReturnType<typeof service>;

const deliveries = list(
  object({
    channel: text,
    state: text,
    attempts: number,
    reason: nullable(object({ message: text })),
  }),
);

export const alert = object({ service: text, status: text, at: instant, reason, deliveries });
export type Alert = ReturnType<typeof alert>;

export const executionAlert = object({
  execution_id: text,
  branch: nullable(text),
  status: text,
  at: instant,
  reason: nullable(object({ message: text })),
  deliveries,
});
export type ExecutionAlert = ReturnType<typeof executionAlert>;

export const serviceHealth = object({
  name: text,
  environment: text,
  status: text,
  reason,
  changes: list(object({ from: nullable(text), to: text, at: instant, reason })),
  actions: list(object({ action: text, at: instant, reason })),
  next_cursor: nullable(text),
  rows: list(
    object({
      at: instant,
      probes: number,
      failed: number,
      observed_ms: number,
      average_ms: number,
      max_ms: number,
    }),
  ),
});
export type ServiceHealth = ReturnType<typeof serviceHealth>;
const people = object({ users: list(text), roles: list(text) });
export type People = ReturnType<typeof people>;

const environmentRules = {
  name: text,
  configured: flag,
  deployers: nullable(people),
  approvers: people,
  required: number,
  wait: number,
  branches: nullable(list(text)),
  allow_self: flag,
};
export const environment = object(environmentRules);
export type Environment = ReturnType<typeof environment>;

export const environmentPage = object({
  ...environmentRules,
  services: list(
    object({
      name: text,
      release: nullable(number),
      commit: nullable(text),
      since: nullable(instant),
      waiting: list(
        object({ deployment_id: text, kind: text, status: text, reason: nullable(reason) }),
      ),
    }),
  ),
});
export type EnvironmentPage = ReturnType<typeof environmentPage>;

export const cache = object({ id: text, key: text, scope: text, size: number, used_at: instant });
export type Cache = ReturnType<typeof cache>;

const testCase = { suite: text, class_name: text, name: text };
export type TestCase = Pick<FlakyTest, keyof typeof testCase>;

const testReport = object({
  stage: text,
  step: text,
  attempt: number,
  files: optional(number),
  problems: optional(list(text)),
  counts: object({ passed: number, failed: number, error: number, skipped: number, flaky: number }),
  failures: list(
    object({ ...testCase, outcome: text, message: optional(text), text: optional(raw) }),
  ),
  unlisted_failures: number,
  slowest: list(object({ ...testCase, seconds: number })),
});
export type TestReport = ReturnType<typeof testReport>;

export const testReports = list(testReport);

const flakyTest = object({
  ...testCase,
  stage: text,
  step: text,
  failed: number,
  passed: number,
  commits: number,
  last_seen: instant,
});
export type FlakyTest = ReturnType<typeof flakyTest>;

export const pipelineTests = object({ reports: number, flaky: list(flakyTest) });

const placement = object({
  attempt: number,
  worker_name: text,
  claimed_at: instant,
  reason: nullable(reason),
});

/** Absent: the server is of an older release. */
const stepApprovals = optional(
  list(
    object({
      stage: text,
      step: text,
      status: text,
      message: text,
      required: number,
      missing: number,
      approvers: object({ users: list(text), roles: list(text) }),
      until: instant,
      given: list(object({ kind: text, login: text, at: instant, reason: nullable(text) })),
    }),
  ),
);

export const execution = object({
  ...executionFields,
  /** Of `duration`, ms; absent: the server is of an older release. */
  waited: optional(number),
  approvals: stepApprovals,
  reason: nullable(reasonWithData),
  ...waitsFor,
  checkout: nullable(step),
  stages: list(object({ ...outcome, name: text, steps: list(step) })),
  on_failure: list(step),
  always: list(step),
  failure: nullable(object({ stage: text, step: text, reason, last_lines: list(raw) })),
  placements: list(placement),
});
export type Execution = ReturnType<typeof execution>;
export type Stage = Execution['stages'][number];
export type Failure = NonNullable<Execution['failure']>;

/** What `status` and `done` events say of a step. */
const liveStep = object({ name: text, status: text, reason: nullable(reason) });
export type LiveStep = ReturnType<typeof liveStep>;

/** Data of the events `status` and `done`. */
export const liveExecution = object({
  status: text,
  reason: nullable(reason),
  ...waitsFor,
  checkout: nullable(liveStep),
  stages: list(object({ name: text, steps: list(liveStep) })),
  on_failure: list(liveStep),
  always: list(liveStep),
});
export type LiveExecution = ReturnType<typeof liveExecution>;

export const logLine = object({
  seq: number,
  ts: instant,
  stream: text,
  // Chosen by, so they are as they came.
  stage: raw,
  step: raw,
  attempt: number,
  text: raw,
  continues: optional(flag),
});
export type LogLine = ReturnType<typeof logLine>;

export const logLines = object({
  lines: list(logLine),
});

const whenPart = { text, value: shallow };

const explainedFields = {
  name: text,
  status: text,
  reason: nullable(reason),
  when: nullable(
    object({
      expression: text,
      result: flag,
      parts: list(object(whenPart)),
    }),
  ),
};

const explainedStep = object({
  ...explainedFields,
  attempts: list(nullable(reason)),
  // Absent: the server is of an older release.
  caches: optional(list(object({ name: text, restored: reason, saved: optional(reason) }))),
  deployments: optional(list(object({ id: text, environment: text, service: text }))),
});
export type ExplainedStep = ReturnType<typeof explainedStep>;
export type When = NonNullable<ExplainedStep['when']>;

export const explanation = object({
  id: uuid,
  status: text,
  reason: nullable(reasonWithData),
  trigger: text,
  queue: nullable(
    object({
      labels: list(text),
      ahead: number,
      workers: number,
      free_slots: number,
      refusals: list(reason),
    }),
  ),
  placements: list(placement),
  checkout: nullable(explainedStep),
  stages: list(object({ ...explainedFields, steps: list(explainedStep) })),
  on_failure: list(explainedStep),
  always: list(explainedStep),
});
export type Explanation = ReturnType<typeof explanation>;

const plannedFields = {
  name: text,
  verdict: text,
  reason,
  when: nullable(
    object({
      expression: text,
      // null = not known yet, or not asked.
      result: nullable(flag),
      parts: list(object({ ...whenPart, known: flag })),
    }),
  ),
  needs: list(text),
};

const plannedStep = object(plannedFields);
export type PlannedStep = ReturnType<typeof plannedStep>;
export type PlannedWhen = NonNullable<PlannedStep['when']>;

const plannedPipeline = object({
  name: text,
  repository: nullable(
    object({
      url: text,
      branch: nullable(text),
      tag: nullable(text),
      commit: nullable(text),
    }),
  ),
  timeout: number,
  retry_count: number,
  resume: optional(flag),
  runs_on: list(text),
  worker_max_parallel_steps: optional(number),
  inputs: dictionary,
  stages: list(object({ ...plannedFields, steps: list(plannedStep) })),
  on_failure: list(plannedStep),
  always: list(plannedStep),
});
export type PlannedPipeline = ReturnType<typeof plannedPipeline>;
export type PlannedStage = PlannedPipeline['stages'][number];

const decisionPart = object({
  part: text,
  expected: list(text),
  actual: nullable(list(text)),
  more: optional(number),
  result: text,
});
export type DecisionPart = ReturnType<typeof decisionPart>;

const validPlan = object({
  problems: list(problem),
  plan: plannedPipeline,
  decision: object({
    event: text,
    starts: flag,
    reason,
    parts: list(decisionPart),
    rules: list(object({ event: text, reason, parts: list(decisionPart) })),
  }),
  mermaid: raw,
});
export type ValidPlan = ReturnType<typeof validPlan> & { readonly valid: true };

const verdict = object({
  valid: flag,
  problems: list(problem),
});
export type InvalidPlan = ReturnType<typeof verdict> & { readonly valid: false };

export const planAnswer: Reader<ValidPlan | InvalidPlan> = (value, place) => {
  const { valid, problems } = verdict(value, place);
  return valid ? { valid, ...validPlan(value, place) } : { valid, problems };
};

export const workers = list(
  object({
    id: text,
    name: text,
    host: text,
    labels: list(text),
    concurrency: number,
    version: text,
    status: text,
    running: number,
    refusal: nullable(reason),
    // Absent: the server is of an older release.
    containers: optional(nullable(object({ reason: nullable(text) }))),
    heartbeat_at: instant,
  }),
);
export type Worker = ReturnType<typeof workers>[number];

const portSpan = { from: number, to: number };
const portLease = object({
  host: text,
  port: number,
  name: text,
  owner: object({ service: text, release: text, instance: nullable(text) }),
  state: text,
  reason: nullable(text),
  since: instant,
});
export type LeasedPort = ReturnType<typeof portLease>;

export const ports = object({
  range: object(portSpan),
  skipped: list(object({ ...portSpan, host: text, code: text, reason: text })),
  items: list(portLease),
  next_cursor: nullable(text),
});
export type Ports = ReturnType<typeof ports>;

export const auditRecord = object({
  seq: number,
  at: instant,
  actor: object({ kind: text, id: text, name: text }),
  client: text,
  action: text,
  target: nullable(object({ kind: text, id: text, name: text })),
  outcome: text,
  reason: text,
});
export type AuditRecord = ReturnType<typeof auditRecord>;

export const verification = object({
  holds: flag,
  first_break: nullable(object({ seq: number, kind: text })),
  checked: number,
  last: object({ seq: number, hash: text }),
  complete: flag,
});

export interface ListOf<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

const repositoryFields = {
  id: uuid,
  forge: text,
  full_name: text,
  url: text,
  default_branch: text,
  has_token: flag,
  webhook: text,
  webhook_reached_at: nullable(instant),
  forks: text,
  fork_approvers: list(text),
  report_skipped: flag,
  protected_tags: list(text),
  problem: nullable(reason),
};

export const repository = object(repositoryFields);
export type Repository = ReturnType<typeof repository>;

export const connectedRepository = object({
  ...repositoryFields,
  paste: nullable(object({ url: nullable(text), secret: text })),
  why: nullable(text),
});
export type ConnectedRepository = ReturnType<typeof connectedRepository>;

export const checkedRepository = object({
  parts: list(object({ part: text, ok: flag, state: optional(text), message: text })),
});
export type CheckedRepository = ReturnType<typeof checkedRepository>;

const deliveryFields = {
  id: uuid,
  kind: text,
  repository_id: nullable(uuid),
  repository_name: nullable(text),
  pipeline_id: nullable(uuid),
  forge: nullable(text),
  forge_delivery_id: nullable(text),
  event: text,
  branch: nullable(text),
  tag: nullable(text),
  number: nullable(number),
  commit: nullable(text),
  status: text,
  reason: nullable(reason),
  duplicate_of: nullable(uuid),
  replay_of: nullable(uuid),
  dry_run: flag,
  received_at: instant,
  decided_at: nullable(instant),
  problem: nullable(text),
};

export const deliverySummary = object(deliveryFields);
export type DeliverySummary = ReturnType<typeof deliverySummary>;

export const delivery = object({
  ...deliveryFields,
  decisions: list(
    object({
      pipeline_id: nullable(uuid),
      pipeline_name: text,
      path: nullable(text),
      version: nullable(number),
      starts: flag,
      reason: reasonWithData,
      // null = depends on what the event did not say.
      parts: list(decisionPart),
      rules: list(
        object({ event: text, matches: nullable(flag), reason, parts: list(decisionPart) }),
      ),
      execution_id: nullable(uuid),
      same_commit: list(object({ event: text, execution_id: uuid })),
    }),
  ),
});
export type Delivery = ReturnType<typeof delivery>;
export type DeliveryDecision = Delivery['decisions'][number];

export const acceptedDelivery = object({ delivery_id: uuid });

export const approvedDelivery = object({ execution_id: uuid });

export const schedules = object({
  starts: flag,
  reason,
  items: list(
    object({
      cron: text,
      timezone: text,
      catch_up: flag,
      next: list(instant),
      last: nullable(object({ at: instant, starts: flag, reason, execution_id: nullable(uuid) })),
    }),
  ),
});
export type Schedules = ReturnType<typeof schedules>;

export const secret = object({
  name: text,
  scope: text,
  pipeline_id: nullable(uuid),
  repository_id: nullable(uuid),
  events: nullable(list(text)),
  protected: flag,
  updated_by: text,
  updated_at: instant,
});
export type Secret = ReturnType<typeof secret>;

export const encryptionKeys = object({
  keys: list(object({ id: text, is_primary: flag })),
  is_resealing: flag,
});
export type EncryptionKeys = ReturnType<typeof encryptionKeys>;

/** A page of at most as many as were asked for. */
export function page<T>(reader: Reader<T>, limit: number): Reader<ListOf<T>> {
  const items: Reader<readonly T[]> = (value, place) => {
    const all = list(reader)(value, place);
    if (all.length > limit) throw new ShapeError(place, `list of at most ${limit}`);
    return all;
  };
  return object({ items, next_cursor: nullable(text) });
}

export const logIns = object({ providers: list(text) });

export const sessionTokens = object({ access_token: raw });

export const me = object({ name: nullable(text), scopes: list(text) });

const tokenFields = {
  id: uuid,
  name: text,
  scopes: list(text),
  created_at: instant,
  expires_at: instant,
  used_at: nullable(instant),
};

export const token = object(tokenFields);
export type Token = ReturnType<typeof token>;

export const madeToken = object({ ...tokenFields, token: raw });

export const serviceAccount = object({
  id: uuid,
  name: text,
  description: text,
  created_at: instant,
});
export type ServiceAccount = ReturnType<typeof serviceAccount>;

export const health = object({ version: optional(text) });

/** One line of a log. */
export function readLogLine(json: string): LogLine {
  return readJson(json, logLine);
}

const detectionSource = { file: text, line: nullable(number) };
const detectionFact = object({
  state: text,
  value: optional(text),
  source: optional(object(detectionSource)),
  choices: optional(list(object({ value: text }))),
  reason: optional(text),
});
const detectionCandidate = object({
  type: text,
  framework: nullable(text),
  confidence: number,
  facts: (value, place) =>
    Object.entries(dictionary(value, place)).map(
      ([name, fact]) => [text(name, place), detectionFact(fact, `${place}.${name}`)] as const,
    ),
  evidence: list(object({ ...detectionSource, weight: number, message: text })),
});

/** What a project is. */
export const detection = object({
  outcome: text,
  reason: text,
  project: nullable(detectionCandidate),
  candidates: list(detectionCandidate),
  parts: list(object({ folder: text, type: text, framework: nullable(text), purpose: text })),
  problems: list(object({ file: text, line: number, message: text })),
});
