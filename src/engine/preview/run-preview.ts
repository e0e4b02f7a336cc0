import { nameRecord } from '../../common/values/name-record.js';
import type { Reference, References } from '../expression/expression-references.js';
import type { Scope, StatusFunctions } from '../expression/scope.js';
import { allSidecars } from '../plan/all-sidecars.js';
import type { Plan, RunContext, StepPlan } from '../plan/plan.js';
import { sidecarVariable } from '../plan/sidecar-plan.js';
import { secretsAt } from '../plan/secret-names.js';
import { HOST_VARIABLES, fixedVariables } from '../runtime/base-environment.js';
import { inOrderOfNeeds } from '../runtime/initial-state.js';
import { reason } from '../runtime/reasons.js';
import { buildGraph, type StageNode, type StepNode } from '../runtime/run-graph.js';
import { ofStage } from '../runtime/stage-scheduler.js';
import { platformVariables, refuseUnusable } from '../runtime/step-environment.js';
import { stageFailedReason } from '../runtime/when.js';
import { mergeKnownEnvironment, type KnownEnvironment } from './known-environment.js';
import { verdictOf, type StatusView } from './node-verdict.js';
import type { Knowledge } from './partial-evaluation.js';
import { knownCheckout, type KnownCheckout } from './known-checkout.js';
import { previewReason } from './preview-reasons.js';
import type { NodePreview, PreviewContext, RunPreview, StagePreview } from './preview.js';

/** In a dry run nobody knows them. */
const UNKNOWN_VARIABLES = [
  'CI_EXECUTION_ID',
  'CI_EXECUTION_NUMBER',
  'CI_EXECUTION_URL',
  'CI_REPOSITORY_URL',
  'CI_EXECUTION_ATTEMPT',
  'CI_STEP_ATTEMPT',
  'CI_ATTEMPT',
  ...HOST_VARIABLES,
];

/** Variables that are not known while the key of `trigger` is not. */
const VARIABLES_OF_EVENTS = [
  ['CI_BRANCH', 'branch'],
  ['CI_TAG', 'tag'],
  ['CI_COMMIT', 'commit'],
  ['CI_COMMIT_SHORT', 'commit'],
  ['CI_COMMIT_MESSAGE', 'message'],
  ['CI_COMMIT_AUTHOR', 'author'],
  ['CI_BEFORE', 'before'],
  ['CI_REPOSITORY', 'repository_name'],
  ['CI_DEFAULT_BRANCH', 'default_branch'],
  ['CI_PR_NUMBER', 'number'],
  ['CI_PR_TITLE', 'title'],
  ['CI_BASE_BRANCH', 'base'],
  ['CI_BASE_COMMIT', 'base'],
  ['CI_HEAD_BRANCH', 'head'],
  ['CI_FORK', 'fork'],
] as const;

/**
 * What each stage, step and hook of a plan would do in a run for this trigger, as far as that is
 * known. It says what the runtime will do: both ask by the rules of `decideGate`, and a property
 * test holds them together. Pure.
 *
 * @throws PlanError for a plan that cannot be run
 */
export function previewRun(plan: Plan, context: PreviewContext): RunPreview {
  const preview = new Previewer(plan, context);
  return preview.all();
}

/** Whether something fails in any case, and whether it may. */
interface Fate {
  readonly fails: boolean;
  readonly mayFail: boolean;
  /** Of what it needs, transitively: the first that fails in any case. */
  readonly failedNeed: string | undefined;
  /** It, or something that it needs. */
  readonly mayFailBefore: boolean;
}

/** Whether its failure is one of its stage. */
function counts(step: StepNode): boolean {
  return !step.plan.continueOnError;
}

class Previewer {
  private readonly stages: readonly StageNode[];
  private readonly fates = new Map<StageNode | StepNode, Fate>();
  private readonly checkout: KnownCheckout;
  private readonly run: RunContext;

  constructor(
    private readonly plan: Plan,
    private readonly context: PreviewContext,
  ) {
    this.stages = buildGraph(plan);
    const { pipelineId = '', pipelineName, trigger, inputs, environment } = context;
    this.run = {
      executionId: '',
      pipelineId,
      pipelineName,
      executionAttempt: 1,
      trigger,
      inputs,
      environment,
    };
    this.checkout = knownCheckout(plan, this.run);
  }

  all(): RunPreview {
    const previews = new Map<StageNode, StagePreview>();
    for (const stage of inOrderOfNeeds(this.stages)) previews.set(stage, this.stage(stage));
    return {
      stages: this.stages.flatMap((stage) => previews.get(stage) ?? []),
      onFailure: this.plan.onFailure.map((step) => this.onFailureHook(step)),
      always: this.plan.always.map((step) => this.alwaysHook(step)),
    };
  }

  private stage(stage: StageNode): StagePreview {
    const own = this.ask(stage, (status) => this.knowledge(stage, undefined, status));
    const steps = new Map<StepNode, NodePreview>();
    for (const step of inOrderOfNeeds(stage.steps)) steps.set(step, this.step(stage, step, own));
    const shown = stage.steps.flatMap((step) => steps.get(step) ?? []);
    const fails =
      own.verdict === 'fails' ||
      (own.verdict === 'runs' &&
        stage.steps.some((step) => counts(step) && steps.get(step)?.verdict === 'fails'));
    const end = own.verdict === 'runs' ? { ...own, ...ofItsSteps(own, shown) } : own;
    this.decideFate(stage, fails, end.verdict !== 'skipped');
    return { ...end, steps: shown };
  }

  private step(stage: StageNode, step: StepNode, ofOwnStage: NodePreview): NodePreview {
    const own = this.ask(step, (status) => {
      const { environment: env, secrets, action } = step.plan;
      const own = { name: step.name, environment: env, secrets, action };
      return this.knowledge(stage, own, status);
    });
    // A stage that failed starts nothing more: where another step may fail first, this one may be
    // skipped instead.
    const fails = own.verdict === 'fails' && counts(step) && !this.mayFailBefore(stage, step);
    this.decideFate(step, fails, own.verdict !== 'skipped' && counts(step));
    const { name } = step;
    switch (ofOwnStage.verdict) {
      case 'skipped':
        return { name, verdict: 'skipped', reason: ofStage(stage, ofOwnStage.reason) };
      case 'fails':
        return { name, verdict: 'skipped', reason: stageFailedReason() };
      case 'depends':
        if (own.verdict !== 'runs') return own;
        return { ...own, verdict: 'depends', reason: ofStage(stage, ofOwnStage.reason) };
      case 'runs':
        return own;
    }
  }

  /** Whether another step of the stage, that does not wait for this one, may fail. */
  private mayFailBefore(stage: StageNode, step: StepNode): boolean {
    const waiting = new Set([step]);
    return inOrderOfNeeds(stage.steps).some((other) => {
      if (waiting.has(other)) return false;
      if (other.needs.some((need) => waiting.has(need))) {
        waiting.add(other);
        return false;
      }
      return counts(other) && (this.fates.get(other)?.mayFail ?? true);
    });
  }

  private ask(
    node: StageNode | StepNode,
    knowledge: (status: StatusView) => Knowledge,
  ): NodePreview {
    const fates = node.needs.map((need) => ({ name: need.name, fate: this.fates.get(need) }));
    const failed = fates.filter(({ fate }) => fate?.fails || fate?.failedNeed !== undefined);
    return verdictOf({
      name: node.name,
      when: node.plan.when,
      needs: node.needs.map((need) => need.name),
      failedNeeds: failed.map(({ name }) => name),
      failedNeed: this.failedNeed(node),
      mayFail: fates.some(({ fate }) => fate?.mayFailBefore),
      knowledge,
      mask: this.context.mask,
    });
  }

  private failedNeed(node: StageNode | StepNode): string | undefined {
    for (const need of node.needs) {
      const fate = this.fates.get(need);
      if (fate?.fails) return need.name;
      if (fate?.failedNeed !== undefined) return fate.failedNeed;
    }
    return undefined;
  }

  private decideFate(node: StageNode | StepNode, fails: boolean, mayFail: boolean): void {
    const before = node.needs.some((need) => this.fates.get(need)?.mayFailBefore);
    this.fates.set(node, {
      fails,
      mayFail,
      failedNeed: this.failedNeed(node),
      mayFailBefore: mayFail || before,
    });
  }

  /** Runs after a failure only, so its `when` sees that there was one. */
  private onFailureHook(step: StepPlan): NodePreview {
    const own = this.hook(step, 'on_failure', 'failed');
    if (own.verdict !== 'runs') return own;
    const why = reason('stages', 'runs if the execution fails or times out');
    return { ...own, verdict: 'depends', reason: why };
  }

  /** May run after a success, a failure or a cancel. */
  private alwaysHook(step: StepPlan): NodePreview {
    const own = this.hook(step, 'always', 'unknown');
    if (own.verdict === 'depends') {
      return { ...own, reason: reason('stages', own.reason.message, own.reason.data) };
    }
    if (own.verdict !== 'runs') return own;
    return { ...own, reason: reason('started', 'runs last, however the execution ends') };
  }

  private hook(step: StepPlan, list: 'on_failure' | 'always', status: StatusView): NodePreview {
    const { name, environment, secrets, action } = step;
    const own = { name, environment, secrets, action, stageName: list };
    return verdictOf({
      name,
      when: step.when,
      needs: [],
      failedNeeds: [],
      failedNeed: undefined,
      mayFail: status === 'unknown',
      knowledge: () => this.knowledge(undefined, own, status),
      mask: this.context.mask,
    });
  }

  private knowledge(
    stage: StageNode | undefined,
    step:
      | (Pick<StepPlan, 'name' | 'environment' | 'secrets' | 'action'> & {
          readonly stageName?: string;
        })
      | undefined,
    status: StatusView,
  ): Knowledge {
    const functions = statusFunctions(status);
    const scope = (env: Readonly<Record<string, string>>): Scope => ({
      trigger: this.checkout.trigger,
      env,
      inputs: this.context.inputs,
      matrix: {},
      pipeline: { id: this.context.pipelineId, name: this.context.pipelineName },
      steps: () => ({ kind: 'unknown' }),
      stages: () => undefined,
      status: functions,
    });
    const knowsStatus = status !== 'unknown';
    const environment = mergeKnownEnvironment({
      platform: this.platform(stage?.name ?? step?.stageName, step),
      levels: [this.plan.environment, stage?.plan.environment ?? {}, step?.environment ?? {}],
      overrides: this.context.environment,
      secrets: secretsAt(this.plan, stage?.plan, step),
      scope,
      knows: (references, outside) => this.knowsAll(references, outside, knowsStatus),
    });
    refuseUnusable(environment.values);
    return {
      scope: scope(environment.values),
      knows: (reference) => this.knows(reference, environment),
      knowsStatus,
    };
  }

  private knowsAll(
    { references, statusFunctions: asked }: References,
    environment: KnownEnvironment,
    knowsStatus: boolean,
  ): boolean {
    if (!knowsStatus && [...asked].some((name) => name !== 'always')) return false;
    return references.every((reference) => this.knows(reference, environment));
  }

  private knows({ root, path: [name] }: Reference, environment: KnownEnvironment): boolean {
    switch (root) {
      case 'steps':
      case 'stages':
      case 'services':
        return false;
      case 'env':
        return name === undefined ? environment.unknown.size === 0 : !environment.unknown.has(name);
      case 'trigger':
        return name === undefined
          ? this.checkout.unknown.size === 0
          : !this.checkout.unknown.has(name);
      case 'pipeline':
        return this.context.pipelineId !== undefined || name === 'name';
      case 'inputs':
      case 'matrix':
        return true;
    }
  }

  private platform(
    stage: string | undefined,
    step: Pick<StepPlan, 'name' | 'action'> | undefined,
  ): KnownEnvironment {
    const unknown = new Set(UNKNOWN_VARIABLES);
    if (this.context.pipelineId === undefined) unknown.add('CI_PIPELINE_ID');
    for (const [variable, key] of VARIABLES_OF_EVENTS) {
      if (this.checkout.unknown.has(key)) unknown.add(variable);
    }
    for (const { name } of allSidecars(this.plan)) {
      unknown.add(sidecarVariable(name, 'HOST')).add(sidecarVariable(name, 'PORT'));
    }
    const address =
      stage !== undefined && step !== undefined
        ? { stage, step: step.name, attempt: 1 }
        : undefined;
    const values = {
      ...fixedVariables(step?.action),
      ...platformVariables(this.run, this.checkout.trigger, address),
    };
    return {
      values: nameRecord(Object.entries(values).filter(([name]) => !unknown.has(name))),
      unknown,
    };
  }
}

/**
 * A stage of which every step is skipped is skipped, so where no step is certain, neither is the
 * stage.
 */
function ofItsSteps(
  own: NodePreview,
  steps: readonly NodePreview[],
): Pick<NodePreview, 'verdict' | 'reason'> {
  if (steps.every(({ verdict }) => verdict === 'skipped')) {
    return { verdict: 'skipped', reason: reason('steps_skipped', 'every step of it is skipped') };
  }
  if (steps.some(({ verdict }) => verdict === 'runs' || verdict === 'fails')) return own;
  const unknown = steps.filter(({ verdict }) => verdict === 'depends').map(({ name }) => name);
  const why = 'runs if one of its steps does';
  return { verdict: 'depends', reason: previewReason('known_later', why, { unknown }) };
}

function statusFunctions(status: StatusView): StatusFunctions {
  return {
    success: () => status === 'succeeded',
    failure: () => status === 'failed',
    always: () => true,
    cancelled: () => false,
  };
}
