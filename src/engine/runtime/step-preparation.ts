import { mergedNames, nameRecord, type NameRecord } from '../../common/values/name-record.js';
import type { CachePlan } from '../plan/caches-plan.js';
import { artifactPathProblem } from '../artifacts/artifact-paths.js';
import type { ArtifactsPlan } from '../plan/artifacts-plan.js';
import { renderText } from '../expression/render-text.js';
import type { Scope, StatusFunctions } from '../expression/scope.js';
import { TemplateError } from '../expression/template.js';
import type { StepPlan } from '../plan/plan.js';
import type { Reason } from '../plan/run-state.js';
import { secretsAt } from '../plan/secret-names.js';
import { kindOf } from '../steps/step-kind-registry.js';
import { fixedVariables } from './base-environment.js';
import type { FoundServices } from './found-services.js';
import { reason } from './reasons.js';
import type { StageNode } from './run-graph.js';
import { runScope } from './run-scope.js';
import type { RunSession } from './run-session.js';
import {
  EnvironmentError,
  mergeEnvironment,
  platformVariables,
  refuseUnusable,
} from './step-environment.js';
import type { StepAddress, StepAttempt } from './step-handler.js';

/** Where a step stands: what its texts may read. */
export interface StepPlace {
  /** Undefined for the clone and for hooks. */
  readonly stage: StageNode | undefined;
  readonly status: StatusFunctions;
  /** Absent: none is known, as where only `when` is decided. */
  readonly services?: FoundServices;
}

/** What an expression made of a path of artifacts is none. */
class ArtifactPathError extends Error {}

export type Preparation =
  | { readonly kind: 'ready'; readonly attempt: StepAttempt }
  | { readonly kind: 'impossible'; readonly reason: Reason };

/** The attempt with every text evaluated and every variable merged, as things stand now. */
export function prepareAttempt(
  session: RunSession,
  plan: StepPlan,
  place: StepPlace,
  address: StepAddress,
  services: FoundServices,
): Preparation {
  try {
    return { kind: 'ready', attempt: evaluated(session, plan, { ...place, services }, address) };
  } catch (error) {
    if (error instanceof TemplateError) {
      return { kind: 'impossible', reason: textReason(session, error) };
    }
    if (error instanceof EnvironmentError) {
      return { kind: 'impossible', reason: reason(error.code, error.message) };
    }
    if (error instanceof ArtifactPathError) {
      return {
        kind: 'impossible',
        reason: reason('artifact_path_invalid', session.mask(error.message)),
      };
    }
    throw error;
  }
}

function textReason(session: RunSession, { problem }: TemplateError): Reason {
  if (problem.code === 'service_unavailable') {
    return reason('service_unavailable', session.mask(problem.message));
  }
  return reason('expression_failed', session.mask(problem.message), { problem: problem.code });
}

function evaluated(
  session: RunSession,
  plan: StepPlan,
  place: StepPlace,
  address: StepAddress,
): StepAttempt {
  const environment = placeEnvironment(session, place, { address, plan });
  const { stage, status, services } = place;
  const scope = runScope(session, stage, environment, status, services?.lookUp);
  const { action, variables } = kindOf(plan.action).prepare(plan.action, scope);
  refuseUnusable(variables);
  const { outputs, caches, artifacts, artifactsFrom, reports, timeoutMs } = plan;
  return {
    ...{ address, action, outputs },
    environment: mergedNames(environment, variables),
    ...(caches && { caches: caches.map((cache) => renderedCache(cache, scope)) }),
    ...(artifactsFrom && { artifactsFrom }),
    ...(reports && { reports }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(artifacts && { artifacts: renderedArtifacts(artifacts, scope) }),
  };
}

/**
 * @throws TemplateError, ArtifactPathError
 */
function renderedArtifacts(artifacts: ArtifactsPlan, scope: Scope): ArtifactsPlan {
  const paths = artifacts.paths.map((path) => {
    const rendered = renderText(path, scope);
    const problem = artifactPathProblem(rendered);
    if (problem) throw new ArtifactPathError(problem[1]);
    return rendered;
  });
  return { ...artifacts, paths };
}

/** @throws TemplateError */
function renderedCache(cache: CachePlan, scope: Scope): CachePlan {
  if ('tool' in cache) return cache;
  const { key } = cache;
  return {
    ...cache,
    key:
      'text' in key
        ? { text: renderText(key.text, scope) }
        : { ...key, ...(key.prefix !== undefined && { prefix: renderText(key.prefix, scope) }) },
    restoreKeys: cache.restoreKeys.map((text) => renderText(text, scope)),
  };
}

/** A try of a step, as its variables see it. */
export interface StepTry {
  readonly address: StepAddress;
  readonly plan: Pick<StepPlan, 'action' | 'environment' | 'secrets'>;
}

/**
 * The merged environment at a place; `step` is absent for a stage's own `when`.
 *
 * @throws TemplateError, EnvironmentError
 */
export function placeEnvironment(
  session: RunSession,
  place: StepPlace,
  step?: StepTry,
): NameRecord<string> {
  const stage = place.stage?.plan.environment ?? {};
  return mergeEnvironment({
    platform: {
      ...fixedVariables(step?.plan.action),
      ...session.ports.hostVariables(step?.address, step?.plan.action),
      ...platformVariables(session.context, session.checkout, step?.address),
    },
    levels: [session.plan.environment, stage, step?.plan.environment ?? {}],
    overrides: mergedNames(session.context.environment, secretsFor(session, place, step)),
    scope: (env) => runScope(session, place.stage, env, place.status, place.services?.lookUp),
  });
}

function secretsFor(
  session: RunSession,
  { stage }: StepPlace,
  step: StepTry | undefined,
): NameRecord<string> {
  const names = secretsAt(session.plan, stage?.plan, step?.plan);
  return nameRecord(
    names.flatMap((name) => {
      const value = session.ports.secret(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
