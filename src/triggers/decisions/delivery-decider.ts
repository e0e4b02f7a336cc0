import { Injectable } from '@nestjs/common';
import { whenBothEnd } from '../../common/async/when-both-end.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { repositoryKey } from '../../common/values/repository-key.js';
import type { DefinitionDocument } from '../../engine/definition/definition-document.js';
import { asksForPaths } from '../../engine/triggers/rule-parts.js';
import { decideTrigger, type TriggerDecision } from '../../engine/triggers/trigger-decision.js';
import type { TriggerEvent } from '../../engine/triggers/trigger-event.js';
import type { ForgeEvent, ForgePerson } from '../../integrations/forge/forge-event.js';
import type { ClonedCommit } from '../../integrations/git/git-client.js';
import { YamlCompiler } from '../../pipelines/compile/yaml-compiler.js';
import {
  pipelineIdOfFile,
  PipelinesService,
} from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { ChangedFiles, type ChangedFilesAnswer } from '../definitions/changed-files.js';
import { type RepositoryFile, RepositoryFiles } from '../definitions/repository-files.js';
import type { StoredDecision, StoredDecisionReason } from '../deliveries/delivery.schema.js';
import { authorUserId } from './author-user-id.js';
import { definitionInvalid } from './definition-invalid.js';
import { triggerEventOf } from '../../pipelines/trigger-request/trigger-event-of.js';

/** Which rules of stored pipelines are for an event, as they are stored. */
const STORED_EVENTS: Readonly<Record<ForgeEvent['kind'], string>> = {
  push: 'git_push',
  tag: 'tag',
  pull_request: 'pull_request',
};

type Question = (rules: DefinitionDocument['triggers']) => Promise<TriggerEvent>;

/** What was decided of an event, which knows by then what its commit says. */
export interface DecidedEvent {
  readonly event: ForgeEvent;
  readonly decisions: readonly StoredDecision[];
}

/** What to do about an event: for each pipeline that may care, with the reason. */
@Injectable()
export class DeliveryDecider {
  constructor(
    private readonly pipelines: PipelinesService,
    private readonly compiler: YamlCompiler,
    private readonly repositories: RepositoriesService,
    private readonly files: RepositoryFiles,
    private readonly changes: ChangedFiles,
  ) {}

  /**
   * Stores the versions that it finds, and starts nothing.
   * @throws GitError: the definitions of the commit cannot be read now
   */
  async decide(repository: RepositoryDocument, sent: ForgeEvent): Promise<DecidedEvent> {
    const place = definitionPlace(sent);
    const url = this.repositories.cloneUrl(repository);
    // Of a pull request from another repository, the files of the base branch.
    const [read, storedIds] = await whenBothEnd(
      place ? this.files.read({ url, ...place }) : Promise.resolve(undefined),
      this.pipelines.idsWithTriggers([STORED_EVENTS[sent.kind]]),
    );
    const event = read ? withCommit(sent, read.commit) : sent;
    const question = this.question(url, event);
    const decide = async (): Promise<readonly StoredDecision[]> => {
      const decisions = await this.decideStored(storedIds, repository, event, question);
      for (const file of read?.files ?? []) {
        const commit = place?.commit ?? '';
        decisions.push(await this.decideFile(repository, event, question, { file, commit }));
      }
      return decisions;
    };
    const isOfDefaultBranch = read !== undefined && defaultBranchOf(repository, sent) !== null;
    const [decisions] = await whenBothEnd(
      decide(),
      isOfDefaultBranch ? this.leaveOthers(repository, read.files) : Promise.resolve(),
    );
    return { event, decisions };
  }

  /** Pipelines of files that are not on the default branch any more. */
  private leaveOthers(
    { _id: repositoryId }: RepositoryDocument,
    files: readonly RepositoryFile[],
  ): Promise<void> {
    const paths = files.map(({ path }) => path);
    return this.pipelines.seenOnDefaultBranch(repositoryId, paths);
  }

  /** What rules are asked with: which files were changed only where one of them wants to know. */
  private question(url: string, event: ForgeEvent): Question {
    const asked = triggerEventOf(event);
    let changed: Promise<ChangedFilesAnswer> | undefined;
    return async (rules) => {
      if (!asksForPaths(rules, event.kind)) return asked;
      const answer = await (changed ??= this.changes.of(url, event));
      return 'unknown' in answer
        ? { ...asked, pathsProblem: answer.unknown }
        : { ...asked, changedPaths: answer };
    };
  }

  /** Pipelines that the API has stored and that clone this repository. */
  private async decideStored(
    ids: readonly string[],
    repository: RepositoryDocument,
    event: ForgeEvent,
    question: Question,
  ): Promise<StoredDecision[]> {
    const key = repositoryKey(repository.clone_url);
    const decisions: StoredDecision[] = [];
    for (const id of ids) {
      const version = await this.pipelines.getVersion(id);
      const url = version.plan.repository?.url;
      if (url === undefined || repositoryKey(url) !== key) continue;
      const about = { id, name: version.pipelineName, path: null, version: version.number };
      const { triggers } = version.definition;
      const { enabled } = version;
      const decision = decideTrigger({
        rules: triggers,
        trigger: await question(triggers),
        enabled,
        inputProblems: [],
        forks: repository.forks,
      });
      decisions.push(stored(about, withApprovalFacts(decision, event, repository)));
    }
    return decisions;
  }

  private async decideFile(
    repository: RepositoryDocument,
    event: ForgeEvent,
    question: Question,
    { file, commit }: { readonly file: RepositoryFile; readonly commit: string },
  ): Promise<StoredDecision> {
    const { path } = file;
    const broken = { id: null, name: path, path, version: null };
    if ('problem' in file) {
      const message = `The file cannot be read: ${file.problem}`;
      return refused(broken, { code: 'definition_unreadable', message, data: { path } });
    }
    const compiled = await this.compiler.compile(file.text);
    if (compiled.kind === 'invalid') {
      const source = { repository_id: repository._id, path };
      const name = (await this.pipelines.nameOfFile(source)) ?? path;
      const about = { ...broken, name, id: pipelineIdOfFile(source) };
      return {
        ...refused(about, definitionInvalid(path, compiled.problems)),
        execution_id: uuidV7(),
      };
    }
    const version = await this.pipelines.keepFromRepository({
      source: { repository_id: repository._id, path },
      yaml: file.text,
      compiled,
      commit,
      defaultBranch: defaultBranchOf(repository, event),
    });
    const { pipelineId: id, pipelineName: name, number, enabled } = version;
    const { triggers } = compiled.definition;
    const decision = decideTrigger({
      rules: triggers,
      trigger: await question(triggers),
      enabled,
      inputProblems: [],
      forks: repository.forks,
    });
    const about = { id, name, path, version: number };
    return stored(about, withApprovalFacts(decision, event, repository));
  }
}

/** What the commit of a push says, where nobody has told it. */
function withCommit(event: ForgeEvent, { sha, message, author }: ClonedCommit): ForgeEvent {
  if (event.kind !== 'push' || event.commit !== sha || event.message !== null) return event;
  return { ...event, message, author: event.author ?? personOf(author) };
}

/** @param author `Name <email>` */
function personOf(author: string): ForgePerson {
  const [, name = author, email = null] = /^(.*) <([^<>]*)>$/.exec(author) ?? [];
  return { id: null, name, email };
}

/** The branch of a push, if it is the default one. */
function defaultBranchOf(repository: RepositoryDocument, event: ForgeEvent): string | null {
  const { default_branch: branch } = repository;
  return event.kind === 'push' && event.branch === branch ? branch : null;
}

interface About {
  readonly id: string | null;
  readonly name: string;
  readonly path: string | null;
  readonly version: number | null;
}

function stored(
  { id, name, path, version }: About,
  { starts, reason, parts, rules }: TriggerDecision,
): StoredDecision {
  return {
    pipeline_id: id,
    pipeline_name: name,
    path,
    version,
    starts,
    reason,
    parts,
    rules,
    execution_id: starts ? uuidV7() : null,
  };
}

function refused({ id, name, path, version }: About, reason: StoredDecisionReason): StoredDecision {
  return {
    pipeline_id: id,
    pipeline_name: name,
    path,
    version,
    starts: false,
    reason,
    parts: [],
    rules: [],
    execution_id: null,
  };
}

/** Where the definitions of an event are; undefined: it has none (a ref was deleted). */
function definitionPlace(
  event: ForgeEvent,
): { readonly commit: string; readonly branch?: string } | undefined {
  if (event.kind === 'pull_request' && event.fork) {
    const { commit, branch } = event.base ?? {};
    if (commit === null || commit === undefined) return undefined;
    return branch === null || branch === undefined ? { commit } : { commit, branch };
  }
  if (event.commit === null) return undefined;
  return event.branch === null
    ? { commit: event.commit }
    : { commit: event.commit, branch: event.branch };
}

/** What an approval needs to know of a pull request from another repository. */
function withApprovalFacts(
  decision: TriggerDecision,
  event: ForgeEvent,
  repository: Pick<RepositoryDocument, 'forge' | 'web_url'>,
): TriggerDecision {
  if (decision.reason.code !== 'fork_needs_approval') return decision;
  const data = {
    commit: event.commit,
    number: event.number,
    author: event.author?.name ?? null,
    author_user_id: authorUserId(event, repository),
  };
  return { ...decision, reason: { ...decision.reason, data } };
}
