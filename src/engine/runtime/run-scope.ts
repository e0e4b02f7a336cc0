import { findStep } from '../expression/scope.js';
import type {
  Scope,
  ServiceLookup,
  StageView,
  StatusFunctions,
  StepLookup,
  StepView,
} from '../expression/scope.js';
import type { RunContext, TriggerContext } from '../plan/plan.js';
import type { StageNode } from './run-graph.js';
import type { RunStateStore } from './run-state-store.js';

/** Real outputs (not masked) of the steps of this run, by stage and step. */
export class StepOutputs {
  private readonly values = new Map<string, Readonly<Record<string, string>>>();
  private bytes = 0;

  /** Of all outputs that were put in so far, in UTF-8. */
  get size(): number {
    return this.bytes;
  }

  set(stage: number, step: number, outputs: Readonly<Record<string, string>>): void {
    this.values.set(`${stage}.${step}`, outputs);
    this.bytes += outputsSize(outputs);
  }

  /** All of them. */
  entries(): { stage: number; step: number; values: [string, string][] }[] {
    return [...this.values].map(([key, outputs]) => {
      const [stage = 0, step = 0] = key.split('.').map(Number);
      return { stage, step, values: Object.entries(outputs) };
    });
  }

  get(stage: number, step: number): Readonly<Record<string, string>> {
    return this.values.get(`${stage}.${step}`) ?? {};
  }
}

/** Bytes of names and values in UTF-8. */
export function outputsSize(outputs: Readonly<Record<string, string>>): number {
  return Object.entries(outputs).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
}

export interface ScopeSources {
  readonly context: RunContext;
  /** What the trigger said, and after the checkout what was cloned. */
  readonly trigger: TriggerContext;
  readonly stages: readonly StageNode[];
  readonly store: RunStateStore;
  readonly outputs: StepOutputs;
}

/**
 * The scope of an expression; `stage` is the one that it stands in, undefined for a stage's own
 * `when`, a hook, the clone.
 */
export function runScope(
  sources: ScopeSources,
  stage: StageNode | undefined,
  env: Readonly<Record<string, string>>,
  status: StatusFunctions,
  services?: (name: string) => ServiceLookup,
): Scope {
  const { context } = sources;
  return {
    trigger: sources.trigger,
    env,
    inputs: context.inputs,
    matrix: {},
    pipeline: { id: context.pipelineId, name: context.pipelineName },
    steps: (name) => lookUpStep(sources, stage, name),
    stages: (name) => stageView(sources, name),
    ...(services && { services }),
    status,
  };
}

/** For texts outside `when`, where the status functions say that all is well so far. */
export const PLAIN_STATUS: StatusFunctions = {
  success: () => true,
  failure: () => false,
  always: () => true,
  cancelled: () => false,
};

function lookUpStep(sources: ScopeSources, stage: StageNode | undefined, name: string): StepLookup {
  const position = findStep(sources.stages, stage?.name, name);
  if (position.kind !== 'found') return position;
  const holder = sources.stages.find((candidate) => candidate.name === position.stage);
  const step = holder === undefined ? undefined : stepView(sources, holder, position.step);
  return step === undefined ? { kind: 'unknown' } : { kind: 'found', step };
}

function stageView(sources: ScopeSources, name: string): StageView | undefined {
  const stage = sources.stages.find((candidate) => candidate.name === name);
  if (stage === undefined) return undefined;
  return {
    status: sources.store.stageStatus(stage.index),
    steps: (step) => stepView(sources, stage, step),
  };
}

function stepView(sources: ScopeSources, stage: StageNode, name: string): StepView | undefined {
  const step = stage.steps.find((candidate) => candidate.name === name);
  if (step === undefined) return undefined;
  const state = sources.store.step({ list: 'stages', stage: stage.index, step: step.index });
  return {
    status: state.status,
    outputs: sources.outputs.get(stage.index, step.index),
    ...(state.exitCode !== undefined && { exit_code: state.exitCode }),
  };
}
