import {
  mergedNames,
  nameRecord,
  valueOf,
  type NameRecord,
} from '../../common/values/name-record.js';
import type { Environment, RunContext, TriggerContext } from '../plan/plan.js';
import type { Scope } from '../expression/scope.js';
import { variableOrder, variableReferences } from '../expression/variable-references.js';
import { renderText } from '../expression/render-text.js';
import type { StepAddress } from './step-handler.js';

const SHORT_COMMIT = 8;
/**
 * Characters of all names and values together. No process of Linux is given more (execve(2): three
 * quarters of the 8 MiB that the kernel allows a stack for that).
 */
const MAX_ENVIRONMENT = 6 * 1024 * 1024;

/** Variables that no process can be given. */
export class EnvironmentError extends Error {
  constructor(
    message: string,
    readonly code: 'environment_invalid' | 'environment_too_large' = 'environment_invalid',
  ) {
    super(message);
    this.name = 'EnvironmentError';
  }
}

/** What was cloned, as far as it is known. */
export interface CheckoutFacts {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  /** Without credentials. */
  readonly repositoryUrl?: string;
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
    ...(context.executionNumber !== undefined && {
      CI_EXECUTION_NUMBER: String(context.executionNumber),
    }),
    ...(context.executionUrl !== undefined && { CI_EXECUTION_URL: context.executionUrl }),
    ...eventVariables(context.trigger),
    ...(checkout.repositoryUrl !== undefined && { CI_REPOSITORY_URL: checkout.repositoryUrl }),
    ...(checkout.branch !== undefined && { CI_BRANCH: checkout.branch }),
    ...(checkout.tag !== undefined && { CI_TAG: checkout.tag }),
    ...(checkout.commit !== undefined && {
      CI_COMMIT: checkout.commit,
      CI_COMMIT_SHORT: checkout.commit.slice(0, SHORT_COMMIT),
    }),
    ...(address && {
      CI_STAGE: address.stage,
      CI_STEP: address.step,
      CI_STEP_ATTEMPT: String(address.attempt),
      CI_ATTEMPT: `${attempt}.${address.attempt}`,
    }),
  };
}

/** Of the event, in the order of the docs; all but the first is untrusted text. */
function eventVariables(trigger: TriggerContext): Record<string, string> {
  const { base, head, number, fork } = trigger;
  const values: readonly (readonly [string, string | undefined])[] = [
    ['CI_EVENT', trigger.event],
    ['CI_ACTOR', trigger.actor],
    ['CI_RERUN_OF', trigger.rerun_of],
    ['CI_REPOSITORY', trigger.repository_name],
    ['CI_DEFAULT_BRANCH', trigger.default_branch],
    ['CI_BEFORE', trigger.before],
    ['CI_COMMIT_MESSAGE', trigger.message],
    ['CI_COMMIT_AUTHOR', trigger.author],
    ['CI_PR_NUMBER', number === undefined ? undefined : String(number)],
    ['CI_PR_TITLE', trigger.title],
    ['CI_BASE_BRANCH', base?.branch],
    ['CI_BASE_COMMIT', base?.commit],
    ['CI_HEAD_BRANCH', head?.branch],
    ['CI_FORK', number === undefined || fork === undefined ? undefined : String(fork)],
  ];
  return nameRecord(
    values.filter((pair): pair is readonly [string, string] => pair[1] !== undefined),
  );
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
 * @throws TemplateError for a wrong expression; EnvironmentError for a value that holds NUL, for a
 *   circle, and for more than any process can be given, before that much is in memory.
 */
export function mergeEnvironment(sources: EnvironmentSources): NameRecord<string> {
  const { platform, overrides } = sources;
  const reserved = nameRecord(
    Object.entries(platform).filter(([name]) => isReservedVariable(name)),
  );
  let merged: NameRecord<string> = platform;
  let size = 0;
  for (const level of sources.levels) {
    const outside = mergedNames(merged, overrides, reserved);
    const values = new Map<string, string>();
    for (const { name, text, reads } of variablesInDependencyOrder(level)) {
      const siblings = nameRecord(reads.map((read) => [read, values.get(read) ?? ''] as const));
      // What the trigger says of a sibling wins over what is written for it, as everywhere.
      const env =
        reads.length === 0 ? outside : mergedNames(outside, siblings, overrides, reserved);
      const value = renderText(text, sources.scope(env));
      size += name.length + value.length;
      if (size > MAX_ENVIRONMENT) throw tooLarge(name);
      values.set(name, value);
    }
    merged = mergedNames(merged, nameRecord(values));
  }
  const all = Object.entries(mergedNames(merged, overrides));
  const own = all.filter(([name]) => !isReservedVariable(name));
  const environment = mergedNames(nameRecord(own), reserved);
  refuseUnusable(environment);
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
 * @throws EnvironmentError for a circle, which only a plan of an older release can have.
 */
export function variablesInDependencyOrder(level: Environment): readonly LevelVariable[] {
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

/** @throws EnvironmentError for a value that holds NUL, or for more than a process can be given */
export function refuseUnusable(environment: Readonly<Record<string, string>>): void {
  let size = 0;
  for (const [name, value] of Object.entries(environment)) {
    size += name.length + value.length;
    if (size > MAX_ENVIRONMENT) throw tooLarge(name);
    if (value.includes('\0')) {
      throw new EnvironmentError(`the value of ${name} holds a NUL character`);
    }
  }
}

function tooLarge(name: string): EnvironmentError {
  return new EnvironmentError(
    `with ${name} the variables are larger than 6 MiB together, which no process can be given; hand large values over in a file`,
    'environment_too_large',
  );
}
