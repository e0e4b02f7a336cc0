import { allSteps } from '../plan/all-steps.js';
import type { Plan, StepPlan } from '../plan/plan.js';
import { kindOf } from '../steps/step-kind-registry.js';
import type { Problem } from '../yaml/problem.js';

/** What works on the files of a project, and does nothing without them. */
const WORKS_ON_FILES = new RegExp(
  [
    /(npm|yarn|pnpm) (ci|i|install|run|test|build)( run)?( [\w:-]+)*/,
    /(pip3?|python3? -m pip) install (-r|--requirement|-e|\.).*/,
    /go (build|test|vet|generate|mod) ?.*/,
    /cargo (build|test|check|clippy|run|fmt) ?.*/,
    /(\.\/)?(mvnw?|gradlew?) .*/,
    /(pytest|tox|make|bundle install|composer install)( .*)?/,
  ]
    .map(({ source }) => `(?:${source})`)
    .join('|')
    .replace(/^/, '^(?:')
    .replace(/$/, ')(?:$|\\s*(?:&&|;|\\|))'),
  'm',
);
/** By which steps may bring the files themselves. */
const BRINGS_FILES =
  /\bgit\s|\bcurl\s|\bwget\s|\btar\s|\bunzip\s|\bcp\s|\bscp\s|\brsync\s|\b(init|new|create)\b|>/;

/**
 * A warning where steps work on files of a project and nothing brings any: no repository, no clone,
 * no artifacts. For pipelines that are stored by themselves: what is read from a connected
 * repository is cloned with it, and a run by hand takes the checkout.
 */
export function emptyWorkspaceWarning(plan: Plan): Problem | undefined {
  if (plan.repository !== undefined) return undefined;
  const steps = allSteps(plan);
  if (steps.some(bringsFiles)) return undefined;
  const first = steps.find(worksOnFiles);
  if (first === undefined) return undefined;
  return {
    ...{ path: '', line: 1, column: 1, severity: 'warning', code: 'no_repository' },
    message: `The pipeline names no repository: "${first.name}" begins in an empty workspace, unless a trigger names one.`,
    suggestion: 'Add repository: <url>, or connect the repository and keep the file in it',
  };
}

function bringsFiles(step: StepPlan): boolean {
  return (
    kindOf(step.action).fillsWorkspace === true ||
    (step.artifactsFrom ?? []).length > 0 ||
    BRINGS_FILES.test(commandsOf(step))
  );
}

function worksOnFiles(step: StepPlan): boolean {
  const byFiles = (step.caches ?? []).some(
    (cache) => 'tool' in cache || ('files' in cache.key && cache.key.files.length > 0),
  );
  return byFiles || step.action.kind === 'build' || WORKS_ON_FILES.test(commandsOf(step));
}

function commandsOf({ action }: StepPlan): string {
  return 'commands' in action ? [action.commands].flat().join('\n') : '';
}
