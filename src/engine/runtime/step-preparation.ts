import { mergedNames, type NameRecord } from '../../common/values/name-record.js';
import type { Scope, StatusFunctions } from '../expression/scope.js';
import { TemplateError } from '../expression/template.js';
import type { GitAction, RepositoryPlan, ShellAction, StepPlan } from '../plan/plan.js';
import type { Reason } from '../plan/run-state.js';
import { fixedVariables } from './base-environment.js';
import { reason } from './reasons.js';
import { renderText } from './render-text.js';
import type { StageNode } from './run-graph.js';
import { runScope } from './run-scope.js';
import type { RunSession } from './run-session.js';
import { shellCommands } from './shell-commands.js';
import {
  EnvironmentError,
  mergeEnvironment,
  platformVariables,
  refuseNul,
} from './step-environment.js';
import type { StepAddress, StepAttempt } from './step-handler.js';

/** Where a step stands: what its texts may read. */
export interface StepPlace {
  /** Undefined for the clone and for hooks. */
  readonly stage: StageNode | undefined;
  readonly status: StatusFunctions;
}

export type Preparation =
  | { readonly kind: 'ready'; readonly attempt: StepAttempt }
  | { readonly kind: 'impossible'; readonly reason: Reason };

/** The attempt with every text evaluated and every variable merged, as things stand now. */
export function prepareAttempt(
  session: RunSession,
  plan: StepPlan,
  place: StepPlace,
  address: StepAddress,
): Preparation {
  try {
    return { kind: 'ready', attempt: evaluated(session, plan, place, address) };
  } catch (error) {
    if (error instanceof TemplateError) {
      return { kind: 'impossible', reason: textReason(session, error) };
    }
    if (error instanceof EnvironmentError) {
      return { kind: 'impossible', reason: reason(error.code, error.message) };
    }
    throw error;
  }
}

function textReason(session: RunSession, { problem }: TemplateError): Reason {
  return reason('expression_failed', session.mask(problem.message), { problem: problem.code });
}

function evaluated(
  session: RunSession,
  plan: StepPlan,
  place: StepPlace,
  address: StepAddress,
): StepAttempt {
  const environment = placeEnvironment(session, place, { address, plan });
  const scope = runScope(session, place.stage, environment, place.status);
  const { outputs } = plan;
  if (plan.action.kind === 'git') {
    return { address, action: gitAction(plan.action, scope), environment, outputs };
  }
  const { commands, variables } = shellCommands(plan.action.commands, plan.action.shell, scope);
  refuseNul(variables);
  return {
    address,
    action: { ...shellAction(plan.action, scope), commands },
    environment: mergedNames(environment, variables),
    outputs,
  };
}

/** A try of a step, as its variables see it. */
export interface StepTry {
  readonly address: StepAddress;
  readonly plan: Pick<StepPlan, 'action' | 'environment'>;
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
      ...session.ports.hostVariables(step?.address),
      ...platformVariables(session.context, session.checkout, step?.address),
    },
    levels: [session.plan.environment, stage, step?.plan.environment ?? {}],
    overrides: session.context.environment,
    scope: (env) => runScope(session, place.stage, env, place.status),
  });
}

function shellAction(action: ShellAction, scope: Scope): ShellAction {
  if (action.workingDirectory === undefined) return action;
  return { ...action, workingDirectory: renderText(action.workingDirectory, scope) };
}

function gitAction(action: GitAction, scope: Scope): GitAction {
  const repository = renderRepository(action.repository, scope);
  if (action.directory === undefined) return { kind: 'git', repository };
  return { kind: 'git', repository, directory: renderText(action.directory, scope) };
}

function renderRepository(repository: RepositoryPlan, scope: Scope): RepositoryPlan {
  const { url, branch, tag, commit, depth } = repository;
  return {
    url: renderText(url, scope),
    ...(branch !== undefined && { branch: renderText(branch, scope) }),
    ...(tag !== undefined && { tag: renderText(tag, scope) }),
    ...(commit !== undefined && { commit: renderText(commit, scope) }),
    ...(depth !== undefined && { depth }),
  };
}
