import { plainRepositoryUrl } from '../../common/values/repository-url.js';
import type { RepositoryPlan, StepPlan } from '../plan/plan.js';
import { GIT_KIND, type GitAction } from '../steps/git/git-action.js';
import { checkoutRepository, namedRefs } from './initial-state.js';
import { maskDeep, reason } from './reasons.js';
import { runScope, PLAIN_STATUS } from './run-scope.js';
import type { RunSession } from './run-session.js';
import { placeEnvironment } from './step-preparation.js';
import { renderText } from '../expression/render-text.js';
import { runStep } from './step-run.js';
import { StopScope } from './stop-scope.js';
import { TemplateError } from '../expression/template.js';
import { EnvironmentError } from './step-environment.js';
import type { CommitInfo, Reason } from '../plan/run-state.js';

/** What of a clone is tried again: the platform's faults, twice; a wrong branch stays wrong. */
const CHECKOUT_RETRY = {
  max: 2,
  on: ['infrastructure'],
  backoff: { initialMs: 1000, factor: 2, maxMs: 60_000 },
} as const;

/**
 * Clones what the run works on, if anything. Undefined = continue; else why the stages cannot run.
 * A stop (cancel, limit of the execution, interrupt) is for the stages to hear: their scope tells
 * it.
 */
export async function runCheckout(session: RunSession): Promise<Reason | undefined> {
  const { plan, context, resumeFrom, continueFrom } = session.request;
  if (continueFrom !== undefined) return undefined;
  const repository = checkoutRepository(plan, context, resumeFrom);
  if (repository === undefined) return undefined;
  rememberRefs(session, repository);
  const step = checkoutStep(repository);
  const scope = new StopScope(session.work);
  const end = await runStep(session, {
    ref: { list: 'checkout' },
    plan: step,
    stageName: '',
    stage: undefined,
    status: PLAIN_STATUS,
    why: reason('started', 'the run begins with it'),
    scope,
    maySuspend: false,
    ask: grantAtOnce,
    release: () => undefined,
    onStart: () => undefined,
  });
  scope.close();
  if (end.kind === 'success') {
    if (end.commit !== undefined) rememberCloned(session, end.commit, end.branch);
    return undefined;
  }
  // What was asked for by name is known all the same: of hooks too, and as a dry run says.
  const { branch, tag } = session.checkout;
  session.trigger = { ...session.trigger, branch, tag };
  const stopped = session.work.cause?.kind;
  if (end.kind !== 'failed' || (stopped !== undefined && stopped !== 'timeout')) return undefined;
  const why = reason('checkout_failed', `the clone failed: ${end.reason.message}`);
  session.noteFailure(why, {
    stage: '',
    step: step.name,
    ...(end.exitCode !== undefined && { exitCode: end.exitCode }),
    reason: end.reason,
    lastLines: session.ports.lastLines(end.address),
  });
  return stopped === undefined ? why : undefined;
}

export function grantAtOnce(grant: () => void): () => void {
  grant();
  return () => undefined;
}

function checkoutStep(repository: RepositoryPlan): StepPlan {
  return {
    name: 'checkout',
    needs: [],
    explicitNeeds: false,
    action: checkoutAction(repository),
    environment: {},
    continueOnError: false,
    retry: CHECKOUT_RETRY,
    outputs: [],
  };
}

function checkoutAction(repository: RepositoryPlan): GitAction {
  return { kind: GIT_KIND, repository };
}

/**
 * `CI_REPOSITORY_URL`, and `CI_BRANCH` and `CI_TAG` of a plan that names them itself; a wrong text
 * is told by the clone.
 */
function rememberRefs(session: RunSession, repository: RepositoryPlan): void {
  const { branch, tag } = namedRefs(repository, session.context.trigger);
  session.checkout = {
    ...session.checkout,
    ...(branch !== undefined && { branch: textOrNothing(session, branch) }),
    ...(tag !== undefined && { tag: textOrNothing(session, tag) }),
    repositoryUrl: plainRepositoryUrl(textOrNothing(session, repository.url) ?? ''),
  };
}

function textOrNothing(session: RunSession, text: string): string | undefined {
  const place = { stage: undefined, status: PLAIN_STATUS };
  try {
    const env = placeEnvironment(session, place);
    return renderText(text, runScope(session, undefined, env, PLAIN_STATUS));
  } catch (error) {
    if (error instanceof TemplateError || error instanceof EnvironmentError) return undefined;
    throw error;
  }
}

/**
 * From here on `trigger.*` and `CI_*` tell what was cloned. A branch is one that was named, else
 * the one that the remote's HEAD follows; where only a tag or a commit was named there is none.
 */
function rememberCloned(
  session: RunSession,
  commit: CommitInfo,
  followed: string | undefined,
): void {
  const { branch = followed, tag, repositoryUrl } = session.checkout;
  const refs = { branch, tag, commit: commit.sha };
  session.checkout = { ...refs, repositoryUrl };
  session.trigger = { ...session.trigger, ...refs };
  const mask = (text: string): string => session.mask(text);
  // Half a name would be another one, which a re-run would ask for.
  const isShown = (name: string | undefined): boolean => name !== undefined && mask(name) === name;
  session.store.note({
    commit: { ...(maskDeep(commit, mask) as CommitInfo), sha: commit.sha },
    cloned: {
      commit: commit.sha,
      ...(isShown(branch) && { branch }),
      ...(isShown(tag) && { tag }),
    },
  });
}
