import { mergedNames, nameRecord, type NameRecord } from '../../common/values/name-record.js';
import type { Environment, RunContext } from '../plan/plan.js';
import type { Scope } from '../expression/scope.js';
import { renderText } from './render-text.js';
import type { StepAddress } from './step-handler.js';

/** A variable that no process can be given. */
export class EnvironmentError extends Error {
  readonly code = 'environment_invalid';

  constructor(readonly variable: string) {
    super(`the value of ${variable} holds a NUL character`);
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
 * Variables that the engine sets. The handler's host adds what only it knows: `CI_WORKSPACE`, `CI_OUTPUT`, `PATH`,
 * `HOME`, `TMPDIR`, `LANG`. What is not known (no branch, no tag) is not set.
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
  readonly platform: Readonly<Record<string, string>>;
  /** Weakest first: pipeline, stage, step. Values are templates. */
  readonly levels: readonly Environment[];
  /** The trigger's: wins over every level, is no template, also visible to the templates of the levels. */
  readonly overrides: Readonly<Record<string, string>>;
  /** The scope in which a level is evaluated; `env` is everything outside that level. */
  readonly scope: (env: Readonly<Record<string, string>>) => Scope;
}

/**
 * The merged environment, by docs/pipeline-yaml.md: platform < pipeline < stage < step < trigger; `CI_*` only from the platform.
 *
 * @throws TemplateError for a wrong expression, EnvironmentError for a value that holds NUL.
 */
export function mergeEnvironment(sources: EnvironmentSources): NameRecord<string> {
  const { platform, overrides } = sources;
  let merged: NameRecord<string> = platform;
  for (const level of sources.levels) {
    const entries = Object.entries(level);
    if (entries.length === 0) continue;
    const scope = sources.scope(mergedNames(merged, overrides, platform));
    const values = entries.map(([name, text]) => [name, renderText(text, scope)] as const);
    merged = mergedNames(merged, nameRecord(values));
  }
  const all = Object.entries(mergedNames(merged, overrides));
  const own = all.filter(([name]) => !isReservedVariable(name));
  const environment = mergedNames(nameRecord(own), platform);
  refuseNul(environment);
  return environment;
}

/** @throws EnvironmentError */
export function refuseNul(environment: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value.includes('\0')) throw new EnvironmentError(name);
  }
}
