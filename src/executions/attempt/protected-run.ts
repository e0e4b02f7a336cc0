import { repositoryKey } from '../../common/values/repository-key.js';
import { isSameClone } from '../../common/values/repository-url.js';
import { isTemplate } from '../../engine/expression/template.js';
import { declaredVariables } from '../../engine/plan/declared-variables.js';
import type { Plan, RepositoryPlan } from '../../engine/plan/plan.js';
import { nameList } from '../../engine/runtime/reasons.js';
import { namePattern } from '../../engine/triggers/name-pattern.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { AskedTrigger, ExecutionRecord } from '../record/execution.schema.js';

/** What decides whether a run gets protected secrets: what is stored, and nothing that it does. */
export interface RunOrigin {
  readonly execution: Pick<ExecutionRecord, 'trigger_info' | 'asked' | 'clone_url' | 'environment'>;
  readonly plan: Plan;
  /** The connected repository that it belongs to; undefined: none, or it is not there any more. */
  readonly repository: ProtectingRepository | undefined;
}

export type ProtectingRepository = Pick<
  RepositoryDocument,
  'full_name' | 'clone_url' | 'default_branch' | 'protected_tags'
>;

type Refs = Pick<RepositoryPlan, 'branch' | 'tag' | 'commit'>;

/**
 * Why a run gets no protected secret, as the end of a sentence; undefined = it does. Where a
 * repository is connected, its default branch and its protected tags do, and no pull request: all
 * else there may be the code of somebody who could not merge it. Without one, the text of the
 * pipeline is what is trusted, so a trigger must not lead to other code. Pure.
 */
export function whyUnprotected(origin: RunOrigin): string | undefined {
  const { trigger_info: info } = origin.execution;
  if (info.trigger_type === 'pull_request') return 'it is of a pull request';
  return info.event === undefined ? whyNotAsWritten(origin) : whyEventUnprotected(origin);
}

/** An event of the connected repository: its refs are the word of the forge, or ours. */
function whyEventUnprotected({ execution, repository }: RunOrigin): string | undefined {
  const { trigger_type: event, event: said, branch, tag } = execution.trigger_info;
  if (said?.fork === true) return 'it is of another repository';
  if (!repository) return GONE;
  switch (event) {
    case 'push':
    case 'schedule':
    case 'webhook':
      return branch === undefined ? NO_REF : whyBranchUnprotected(repository, branch);
    case 'tag':
      return tag === undefined ? NO_REF : whyTagUnprotected(repository, tag);
    default:
      return `nobody can tell what a run of "${event}" is of`;
  }
}

/** Started by hand, or by an event of a pipeline that lives in no repository. */
function whyNotAsWritten({ execution, plan, repository }: RunOrigin): string | undefined {
  const asked = askedOf(execution);
  if (asked === undefined) {
    return 'it was accepted by an older version of Millrace: trigger it again';
  }
  return (
    whyTextUntrusted(asked, repository) ??
    whyCodeGiven(execution, plan, repository) ??
    whyRefsUnprotected(asked, execution.clone_url, plan.repository, repository)
  );
}

/** What was asked for; undefined: nobody can tell it from what was cloned. */
function askedOf({
  trigger_info: { trigger_type: event },
  asked,
}: RunOrigin['execution']): AskedTrigger | undefined {
  return event === 'schedule' || event === 'webhook' ? {} : asked;
}

/** Of a pipeline that lives in a repository, only what is merged is trusted. */
function whyTextUntrusted(
  { source }: AskedTrigger,
  repository: ProtectingRepository | undefined,
): string | undefined {
  if (source === undefined) return undefined;
  if (!repository) return GONE;
  const { default_branch: branch, full_name: name } = repository;
  if (source.branch === branch) return undefined;
  return `the text of its pipeline is not that of the default branch "${branch}" of ${name}`;
}

/** Code that the trigger itself brings: another repository, or a variable such as `BASH_ENV`. */
function whyCodeGiven(
  { environment, clone_url: url }: RunOrigin['execution'],
  plan: Plan,
  repository: ProtectingRepository | undefined,
): string | undefined {
  const declared = declaredVariables(plan);
  const own = Object.keys(environment).filter((name) => !declared.has(name));
  if (own.length > 0) {
    return `its trigger sets ${nameList(own)}, which the pipeline does not declare`;
  }
  const urls = [plan.repository?.url, repository?.clone_url];
  const isOwn = url === null || urls.some((one) => one !== undefined && isSameClone(one, url));
  return isOwn ? undefined : 'its trigger names another repository than that of the pipeline';
}

function whyRefsUnprotected(
  asked: AskedTrigger,
  cloneUrl: string | null,
  written: RepositoryPlan | undefined,
  repository: ProtectingRepository | undefined,
): string | undefined {
  const named: Refs = { branch: asked.branch, tag: asked.tag, commit: asked.commit_hash };
  const url = cloneUrl ?? written?.url;
  const isOfConnection =
    url === undefined ? asked.source !== undefined : isSameRepository(url, repository);
  if (!repository || !isOfConnection) return whyOtherThanWritten(named, written);
  const isNamed = named.branch !== undefined || named.tag !== undefined;
  const { branch, tag } = isNamed ? named : (written ?? {});
  const commit = named.commit ?? (isNamed ? undefined : written?.commit);
  if (commit !== undefined) return 'it names a commit, which may be of any branch';
  if (tag !== undefined) return whyTagUnprotected(repository, tag);
  // The remote's own is the default one.
  return branch === undefined ? undefined : whyBranchUnprotected(repository, branch);
}

function isSameRepository(url: string, repository: ProtectingRepository | undefined): boolean {
  const key = repositoryKey(url);
  return (
    repository !== undefined && key !== undefined && key === repositoryKey(repository.clone_url)
  );
}

function whyOtherThanWritten(named: Refs, written: RepositoryPlan | undefined): string | undefined {
  const other = REFS.find((ref) => named[ref] !== undefined && named[ref] !== written?.[ref]);
  if (other !== undefined) {
    return `its trigger names the ${other} "${named[other]}", which the pipeline does not`;
  }
  const { url, branch, tag, commit } = written ?? {};
  const isOpen = [url, branch, tag, commit].some((text) => text !== undefined && isTemplate(text));
  return isOpen ? 'what it clones is not written out in the pipeline' : undefined;
}

function whyBranchUnprotected(
  { default_branch: expected, full_name: name }: ProtectingRepository,
  branch: string,
): string | undefined {
  if (branch === expected) return undefined;
  return `the branch "${branch}" is not the default branch "${expected}" of ${name}`;
}

function whyTagUnprotected(
  { protected_tags: patterns = [], full_name: name }: ProtectingRepository,
  tag: string,
): string | undefined {
  if (patterns.length === 0) return `${name} has no protected tags`;
  if (!isTemplate(tag) && patterns.some((pattern) => namePattern(pattern)(tag))) return undefined;
  return `the tag "${tag}" fits none of the protected tags of ${name}: ${nameList(patterns)}`;
}

const REFS = ['branch', 'tag', 'commit'] as const;
const GONE = 'its repository is not connected any more';
const NO_REF = 'its event names no branch and no tag';
