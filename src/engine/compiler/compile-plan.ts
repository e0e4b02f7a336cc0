import type {
  PipelineDefinition,
  SidecarDefinition,
  StageDefinition,
  StepDefinition,
} from '../definition/definition.js';
import { plainRetry } from '../yaml/common-readers.js';
import type { NameUse } from '../yaml/reader.js';
import { hasErrors, inTextOrder, type Problem } from '../yaml/problem.js';
import type { Plan, StagePlan, StepPlan } from '../plan/plan.js';
import type { SidecarPlan } from '../plan/sidecar-plan.js';
import { draftWith, kindOf } from '../steps/step-kind-registry.js';
import { checkApprovals } from './approval-checks.js';
import { checkBuilds } from './build-checks.js';
import { checkDeploys } from './deploy-checks.js';
import { checkCommands } from './command-checks.js';
import { checkEnvironments } from './environment-checks.js';
import { checkNames } from './name-checks.js';
import { checkArtifactSources } from './artifact-checks.js';
import { checkContainers } from './container-checks.js';
import { countSteps, maxParallelOf, stageNeeds, stepNeeds } from './needs.js';
import { ProblemSink } from './problem-sink.js';
import { checkReferences } from './reference-checks.js';
import { checkResume } from './resume-checks.js';
import { checkSidecars, inStartOrder } from './sidecar-checks.js';
import { checkSecrets } from './secret-checks.js';
import { stepDefaults } from '../definition/step-defaults.js';

export const MAX_STEPS = 1000;
/** Bytes of a plan as JSON. */
export const MAX_PLAN_BYTES = 500_000;

export interface CompiledPlan {
  /** Absent when a problem is an error. */
  readonly plan?: Plan;
  readonly problems: readonly Problem[];
}

/**
 * Makes the plan of a definition: needs written out, defaults applied, names and references
 * checked. Pure: the same definition makes the same plan. Never throws.
 */
export function compilePlan(definition: PipelineDefinition): CompiledPlan {
  const problems = checkDefinition(definition);
  if (hasErrors(problems)) return { problems };
  const plan = buildPlan(definition);
  const bytes = Buffer.byteLength(JSON.stringify(plan), 'utf8');
  if (bytes <= MAX_PLAN_BYTES) return { plan, problems };
  const sink = new ProblemSink(definition);
  const message = `The plan has ${String(bytes)} bytes; the limit is ${String(MAX_PLAN_BYTES)}.`;
  const hint =
    'Move long scripts into files of the repository; write needs where there are many stages';
  sink.error('plan_too_large', message, { path: [], offset: 0 }, hint);
  return { problems: [...problems, ...sink.problems] };
}

/** What is wrong between the parts of a definition, also of a draft of which parts are missing. */
export function checkDefinition(definition: PipelineDefinition): Problem[] {
  const sink = new ProblemSink(definition);
  const steps = countSteps(definition);
  if (steps > MAX_STEPS) {
    const message = `The pipeline has ${String(steps)} steps; the limit is ${String(MAX_STEPS)}.`;
    const hint = 'Put several commands into one step, or split the pipeline';
    sink.error('too_many_steps', message, { path: [], offset: 0 }, hint);
    return sink.problems;
  }
  checkNames(definition, sink);
  checkReferences(definition, sink);
  checkCommands(definition, sink);
  checkContainers(definition, sink);
  checkArtifactSources(definition, sink);
  checkBuilds(definition, sink);
  checkDeploys(definition, sink);
  checkSidecars(definition, sink);
  checkEnvironments(definition, sink);
  checkSecrets(definition, sink);
  checkApprovals(definition, sink);
  checkResume(definition, sink);
  return inTextOrder(sink.problems);
}

function buildPlan(definition: PipelineDefinition): Plan {
  const needs = stageNeeds(definition.stages);
  const hook = (step: StepDefinition) => buildStep(step, [], undefined, definition);
  const plan: Plan = {
    format: 1,
    name: definition.name,
    description: definition.description,
    repository: definition.repository,
    environment: definition.environment,
    secrets: secretNames(definition.secrets),
    registries: definition.registries.length === 0 ? undefined : definition.registries,
    sidecars: buildSidecars(definition.sidecars),
    timeoutMs: definition.timeoutMs,
    retryCount: definition.retryCount,
    ...(definition.resume && { resume: true }),
    supersede: definition.supersede,
    runsOn: definition.runsOn,
    stages: definition.stages.map((stage) =>
      buildStage(stage, needs.get(stage.name) ?? [], definition),
    ),
    onFailure: definition.onFailure.map(hook),
    always: definition.always.map(hook),
  };
  return withoutUndefined(plan);
}

function buildStage(
  stage: StageDefinition,
  needs: readonly string[],
  definition: PipelineDefinition,
): StagePlan {
  const ofSteps = stepNeeds(stage);
  return {
    name: stage.name,
    needs,
    explicitNeeds: stage.needs !== undefined,
    when: stage.when,
    environment: stage.environment,
    secrets: secretNames(stage.secrets),
    sidecars: buildSidecars(stage.sidecars),
    timeoutMs: stage.timeoutMs,
    maxParallel: maxParallelOf(stage),
    steps: stage.steps.map((step) =>
      buildStep(step, ofSteps.get(step.name) ?? [], stage, definition),
    ),
  };
}

function buildStep(
  step: StepDefinition,
  needs: readonly string[],
  stage: StageDefinition | undefined,
  definition: PipelineDefinition,
): StepPlan {
  const defaults = stepDefaults(definition, stage);
  const draft = draftWith(step.action, defaults);
  const kind = kindOf(draft);
  const isTold = stage === undefined || kind.retries === 'when_told';
  const retries = isTold ? 0 : (stage.retryCount ?? definition.retryCount);
  return {
    name: step.name,
    needs,
    explicitNeeds: step.needs !== undefined,
    when: step.when,
    action: kind.compile(draft, defaults),
    environment: step.environment,
    secrets: secretNames(step.secrets),
    continueOnError: step.continueOnError,
    timeoutMs: step.timeoutMs,
    retry: step.retry ?? plainRetry(retries),
    outputs: step.outputs,
    caches: step.caches,
    artifacts: step.artifacts,
    artifactsFrom: step.artifactsFrom,
    reports: step.reports,
  };
}

/** Plans without sidecars have no such key, and keep their hashes. */
function buildSidecars(sidecars: readonly SidecarDefinition[]): readonly SidecarPlan[] | undefined {
  if (sidecars.length === 0) return undefined;
  return inStartOrder(sidecars).map(({ sidecar, needs }) => {
    const { name, environment, secrets, ports, command, ready, container } = sidecar;
    const { pull, ...settings } = container;
    return {
      ...{ name, needs, environment, ports, command, ready },
      ...settings,
      pull: pull === 'missing' ? undefined : pull,
      secrets: secretNames(secrets),
    };
  });
}

/** Plans from older releases, without secrets, have no such key, and keep their hashes. */
function secretNames(uses: readonly NameUse[]): readonly string[] | undefined {
  return uses.length === 0 ? undefined : [...new Set(uses.map(({ name }) => name))];
}

/** A plan is plain JSON: what is not there has no key. */
function withoutUndefined(plan: Plan): Plan {
  return JSON.parse(JSON.stringify(plan)) as Plan;
}
