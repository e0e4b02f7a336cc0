import type { NameRecord } from '../../common/values/name-record.js';
import type { RepositorySupport } from '../../common/values/repository-url.js';
import { resolveInputs, type InputValue } from '../../engine/inputs/resolve-inputs.js';
import type { InputDefinition } from '../../engine/plan/input-definition.js';
import type { TriggerDocument } from '../../engine/definition/definition-document.js';
import type { Problem } from '../../engine/yaml/problem.js';
import type { Plan, RepositoryPlan, TriggerContext } from '../../engine/plan/plan.js';
import { mermaidText } from '../../engine/preview/mermaid-text.js';
import { planGraph, type PlanGraph } from '../../engine/preview/plan-graph.js';
import type { RunPreview } from '../../engine/preview/preview.js';
import { previewRun } from '../../engine/preview/run-preview.js';
import { checkoutRepository } from '../../engine/runtime/initial-state.js';
import { decideTrigger, type TriggerDecision } from '../../engine/triggers/trigger-decision.js';
import type { TriggerEvent } from '../../engine/triggers/trigger-event.js';
import { compileSource } from './compile-source.js';
import { credentialMask } from './credential-masks.js';

/** A pipeline that a dry run is asked for. Plain JSON. */
export type DryRunSource =
  { readonly kind: 'yaml'; readonly yaml: string } | ({ readonly kind: 'stored' } & DryRunPipeline);

interface DryRunPipeline {
  /** Absent = not stored. */
  readonly pipelineId?: string;
  readonly enabled: boolean;
  readonly plan: Plan;
  readonly planHash: string;
  readonly inputs: readonly InputDefinition[];
  readonly triggers: readonly TriggerDocument[];
  /** Warnings only. */
  readonly problems: readonly Problem[];
}

export interface DryRunTrigger extends TriggerContext {
  readonly environment: NameRecord<string>;
  /** As they were given. */
  readonly inputs: NameRecord<unknown>;
  /** What the rules are asked with; default: the trigger of the run. */
  readonly asked?: TriggerEvent;
}

export interface DryRunRequest {
  readonly source: DryRunSource;
  readonly trigger: DryRunTrigger;
}

/** Plain JSON: it may come from a child process. Reasons and traces are masked, the plan is not. */
export type DryRun =
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[] }
  | {
      readonly kind: 'valid';
      readonly problems: readonly Problem[];
      readonly plan: Plan;
      readonly planHash: string;
      readonly inputs: NameRecord<InputValue>;
      /** What would be cloned. */
      readonly repository: RepositoryPlan | null;
      readonly decision: TriggerDecision;
      readonly preview: RunPreview;
      readonly graph: PlanGraph;
      readonly mermaid: string;
    };

/**
 * From a pipeline and a trigger to all that a dry run tells. Never throws, but may take long: see
 * `YamlCompiler`.
 */
export function dryRun(
  { source, trigger }: DryRunRequest,
  repositories: RepositorySupport = { ssh: false },
): DryRun {
  const pipeline = pipelineOf(source, repositories);
  if ('invalid' in pipeline) return { kind: 'invalid', problems: pipeline.invalid };
  const { plan, planHash, pipelineId, problems } = pipeline;
  const { environment, inputs: given, asked, ...event } = trigger;
  const { inputs, problems: inputProblems } = resolveInputs(pipeline, given);
  const mask = credentialMask(plan, trigger.repository ?? null);
  const run = { pipelineName: plan.name, trigger: event, inputs, environment };
  const preview = previewRun(plan, { ...run, pipelineId, mask });
  const ofNoRun = { ...run, executionId: '', pipelineId: '', executionAttempt: 1 };
  const repository = checkoutRepository(plan, ofNoRun, undefined) ?? null;
  const graph = planGraph(plan, preview, repository !== null);
  const decision = decideTrigger({
    rules: pipeline.triggers,
    trigger: asked ?? event,
    enabled: pipeline.enabled,
    inputProblems,
  });
  return {
    kind: 'valid',
    problems,
    plan,
    planHash,
    inputs,
    repository,
    decision,
    preview,
    graph,
    mermaid: mermaidText(graph),
  };
}

function pipelineOf(
  source: DryRunSource,
  repositories: RepositorySupport,
): DryRunPipeline | { readonly invalid: readonly Problem[] } {
  if (source.kind === 'stored') return source;
  const compiled = compileSource(source.yaml, repositories);
  if (compiled.kind === 'invalid') return { invalid: compiled.problems };
  const { definition, inputs, plan, planHash, problems } = compiled;
  return { enabled: true, plan, planHash, inputs, triggers: definition.triggers, problems };
}
