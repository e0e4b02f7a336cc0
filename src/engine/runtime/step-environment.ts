import {
  mergedNames,
  nameRecord,
  valueOf,
  type NameRecord,
} from '../../common/values/name-record.js';
import type { Environment, RunContext } from '../plan/plan.js';
import type { Scope } from '../expression/scope.js';
import { variableOrder, variableReferences } from '../expression/variable-references.js';
import { renderText } from '../expression/render-text.js';
import type { StepAddress } from './step-handler.js';

/** Variables that no process can be given. */
export class EnvironmentError extends Error {
  readonly code = 'environment_invalid';

  constructor(message: string) {
    super(message);
    this.name = 'EnvironmentError';
  }
}

/** What was cloned, as far as it is known. */
export interface CheckoutFacts {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
}

/** `CI` and `CI_*` belong to the platform: what is written for them elsewhere has no effect. */
export function isReservedVariable(name: string): boolean {
  return name === 'CI' || name.startsWith('CI_');
}

/**
 * Variables that tell of the run. What is not known (no branch, no tag) is not set. Beside them
 * stand those of `fixedVariables` and of the port `hostVariables`.
 */
export function platformVariables(
  context: RunContext,
  checkout: CheckoutFacts,
  address?: StepAddress,
): Record<string, string> {
  const attempt = String(context.executionAttempt);
  return {
    CI: 'true',
    CI_EXECUTION_ID: context.executionId,
    CI_PIPELINE: context.pipelineName,
    CI_PIPELINE_ID: context.pipelineId,
    CI_EXECUTION_ATTEMPT: attempt,
    ...(context.trigger.rerun_of !== undefined && { CI_RERUN_OF: context.trigger.rerun_of }),
    ...(checkout.branch !== undefined && { CI_BRANCH: checkout.branch }),
    ...(checkout.tag !== undefined && { CI_TAG: checkout.tag }),
    ...(checkout.commit !== undefined && { CI_COMMIT: checkout.commit }),
    ...(address && {
      CI_STAGE: address.stage,
      CI_STEP: address.step,
      CI_STEP_ATTEMPT: String(address.attempt),
      CI_ATTEMPT: `${attempt}.${address.attempt}`,
    }),
  };
}

export interface EnvironmentSources {
  /** What is reserved of it wins over everything, the rest is the weakest level. */
  readonly platform: Readonly<Record<string, string>>;
  /** Weakest first: pipeline, stage, step. Values are templates. */
  readonly levels: readonly Environment[];
  /**
   * The trigger's: wins over every level, is no template, also visible to the templates of the
   * levels.
   */
  readonly overrides: Readonly<Record<string, string>>;
  /**
   * The scope in which a text is evaluated; `env` is what is outside its level, and what it names
   * of its own level.
   */
  readonly scope: (env: Readonly<Record<string, string>>) => Scope;
}

/**
 * The merged environment, by docs/pipeline-yaml.md: platform < pipeline < stage < step < trigger;
 * `CI_*` only from the platform.
 *
 * A variable may read others of its own level, in any order; where it names itself it reads the one
 * outside.
 *
 * @throws TemplateError for a wrong expression, EnvironmentError for a value that holds NUL, and
 *   for a circle.
 */
export function mergeEnvironment(sources: EnvironmentSources): NameRecord<string> {
  const { platform, overrides } = sources;
  const reserved = nameRecord(
    Object.entries(platform).filter(([name]) => isReservedVariable(name)),
  );
  let merged: NameRecord<string> = platform;
  for (const level of sources.levels) {
    const outside = mergedNames(merged, overrides, reserved);
    const values = new Map<string, string>();
    for (const { name, text, reads } of inOrderOfReading(level)) {
      const siblings = nameRecord(reads.map((read) => [read, values.get(read) ?? ''] as const));
      // What the trigger says of a sibling wins over what is written for it, as everywhere.
      const env =
        reads.length === 0 ? outside : mergedNames(outside, siblings, overrides, reserved);
      values.set(name, renderText(text, sources.scope(env)));
    }
    merged = mergedNames(merged, nameRecord(values));
  }
  const all = Object.entries(mergedNames(merged, overrides));
  const own = all.filter(([name]) => !isReservedVariable(name));
  const environment = mergedNames(nameRecord(own), reserved);
  refuseNul(environment);
  return environment;
}

/** A variable of a level, and which others of it its text reads. */
export interface LevelVariable {
  readonly name: string;
  readonly text: string;
  readonly reads: readonly string[];
}

/**
 * The variables of a level, each after those that it reads.
 *
 * @throws EnvironmentError for a circle, which only a plan of before circles were refused can have.
 */
export function inOrderOfReading(level: Environment): readonly LevelVariable[] {
  const edges = variableReferences(level);
  const order = variableOrder(edges);
  if (order.kind === 'circle') {
    throw new EnvironmentError(
      `variables read each other in a circle: ${order.names.join(' -> ')}`,
    );
  }
  return order.names.map((name) => {
    return { name, text: valueOf(level, name) ?? '', reads: edges.get(name) ?? [] };
  });
}

/** @throws EnvironmentError */
export function refuseNul(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value.includes('\0'))
      throw new EnvironmentError(`the value of ${name} holds a NUL character`);
  }
}
