import { Injectable, type OnModuleInit } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { v5 } from 'uuid';
import { whenBothEnd } from '../../common/async/when-both-end.js';
import {
  conflict,
  notFound,
  validationError,
  type MillraceError,
} from '../../common/errors/millrace.error.js';
import type { Changed } from '../../common/audit/changed.js';
import { failPoint } from '../../common/fail-point.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import type { Principal } from '../../auth/principals/principal.js';
import type { InputDefinition } from '../../engine/plan/input-definition.js';
import { emptyWorkspaceWarning } from '../../engine/compiler/empty-workspace.js';
import type { DefinitionDocument } from '../../engine/definition/definition-document.js';
import type { Problem } from '../../engine/yaml/problem.js';
import type { Plan } from '../../engine/plan/plan.js';
import { freshReservation, type Reservation } from '../../idempotency/reservation.js';
import type { CompiledYaml } from '../compile/compiled-yaml.js';
import { YamlCompiler } from '../compile/yaml-compiler.js';
import type { PipelineVersionDocument } from '../versions/pipeline-version.schema.js';
import {
  PipelineVersionsRepository,
  versionId,
  type VersionSummary,
} from '../versions/pipeline-versions.repository.js';
import { SecretOwners } from '../../secrets/store/secret-owners.js';
import { SecretsService } from '../../secrets/store/secrets.service.js';
import { PlansService } from '../versions/plans.service.js';
import {
  isEnabled,
  type PipelineDocument,
  type PipelineSettings,
  type PipelineSource,
} from './pipeline.schema.js';
import {
  type PipelineHead,
  PipelinesRepository,
  type PipelineSummary,
  type RepositoryPipeline,
  type ScheduledPipeline,
} from './pipelines.repository.js';
import { seesExactText, type Shown, shownExactly, shownMasked } from './shown-definition.js';
import { versionTag } from './version-tag.js';
import { checkYamlText } from './yaml-source.js';

/** Namespace of the ids of pipelines that live in a repository (random, fixed for ever). */
const SOURCE_NAMESPACE = '2f6a3c1e-8f5d-4b6f-9a57-0f6a1c9f3e21';

/** What of a definition is shown beside its text. */
const PIPELINE_FIELDS = ['description', 'triggers', 'stages', 'environment'] as const;
const VERSION_FIELDS = ['warnings'] as const;

export type ValidYaml = Extract<CompiledYaml, { kind: 'valid' }>;

/** What `create` and `replace` made, with what the compiler warned of. */
export interface SavedPipeline {
  readonly pipeline: PipelineDocument;
  readonly warnings: readonly Problem[];
}

/** A definition that was read from a commit. */
export interface SeenDefinition {
  readonly source: PipelineSource;
  readonly yaml: string;
  readonly compiled: ValidYaml;
  readonly commit: string;
  /** The branch that was pushed, if it is the default one of the repository. */
  readonly defaultBranch: string | null;
}

/** Settings of a pipeline to change; what is undefined stays. */
export interface PipelinePatch {
  /** Shown in place of the YAML's; null = the YAML's again. */
  readonly description?: string | null;
  readonly enabled?: boolean;
}

/** A version with everything that an execution of it needs. */
export interface RunnableVersion {
  readonly pipelineId: string;
  readonly pipelineName: string;
  /** False: it must not be started. */
  readonly enabled: boolean;
  /** Where it lives; absent: the API has stored it. */
  readonly source?: PipelineSource;
  readonly number: number;
  readonly planHash: string;
  readonly plan: Plan;
  /** What a trigger is checked against. */
  readonly definition: {
    readonly inputs: readonly InputDefinition[];
    readonly triggers: DefinitionDocument['triggers'];
  };
}

/**
 * Pipelines and their versions. There are no transactions, so writes are ordered: the plan, then
 * the version, then the pipeline that makes it current. What a crash leaves between two of them
 * cannot be seen through the API.
 */
@Injectable()
export class PipelinesService implements OnModuleInit {
  constructor(
    private readonly compiler: YamlCompiler,
    private readonly pipelines: PipelinesRepository,
    private readonly versions: PipelineVersionsRepository,
    private readonly plans: PlansService,
    private readonly secrets: SecretsService,
    private readonly owners: SecretOwners,
  ) {}

  onModuleInit(): void {
    this.owners.register('pipeline', (id) => this.exists(id));
  }

  /** All problems of a text; nothing is stored. */
  async validate(yaml: string): Promise<CompiledYaml> {
    return withWorkspaceWarning(await this.compiler.compile(checkYamlText(yaml)));
  }

  /** @throws ValidationError with every problem of the YAML */
  async create(
    yaml: string,
    principal: Principal,
    reservation: Reservation = freshReservation(),
  ): Promise<SavedPipeline> {
    const earlier = reservation.repeated ? await this.createdBefore(reservation.id) : undefined;
    if (earlier) return earlier;
    const { id } = reservation;
    const compiled = await this.compileValid(yaml);
    await this.plans.save(compiled.planHash, compiled.plan);
    // Of a request before this one under the same reservation the version may be there.
    const version = await this.versions.insert(
      versionDocument(id, 1, yaml, compiled, principal, new Date()),
    );
    const pipeline: PipelineDocument = {
      _id: id,
      ...currentFields(1, yaml, version.plan_hash, compiled.definition),
      enabled: true,
      changes: 0,
      created_at: version.created_at,
      updated_at: version.created_at,
    };
    await this.pipelines.insert(pipeline);
    failPoint('pipeline_inserted');
    return { pipeline, warnings: compiled.problems };
  }

  /**
   * Makes a new version the current one; the same text again makes none.
   * @param expected tag (`versionTag`) that the client saw last; another one now is a conflict
   */
  async replace(
    id: string,
    yaml: string,
    principal: Principal,
    expected: string | undefined,
  ): Promise<Changed<SavedPipeline>> {
    const compiled = await this.compileValid(yaml);
    await this.plans.save(compiled.planHash, compiled.plan);
    for (;;) {
      const current = await this.getPipeline(id);
      if (current.source) throw livesInRepository(current.source);
      refuseStale(current, expected);
      if (current.yaml_content === yaml) {
        return { value: { pipeline: current, warnings: compiled.problems }, isChanged: false };
      }

      const number = current.version + 1;
      const mine = versionDocument(id, number, yaml, compiled, principal, new Date());
      const stored = await this.versions.insert(mine);
      // The number is taken by a writer that is not done, or that died here: its version counts, so
      // it is made current.
      await this.makeCurrent(stored);
      if (isSameVersion(stored, mine)) {
        const pipeline = await this.getPipeline(id);
        return { value: { pipeline, warnings: compiled.problems }, isChanged: true };
      }
    }
  }

  /**
   * Changes what the YAML does not say; makes no version. Versions write none of these fields, so
   * neither can undo the other.
   * @param expected tag that the client saw last; another one now is a conflict
   */
  async change(
    id: string,
    { description, enabled }: PipelinePatch,
    expected: string | undefined,
  ): Promise<Changed<PipelineDocument>> {
    for (;;) {
      const current = await this.getPipeline(id);
      refuseStale(current, expected);
      const change = {
        ...(enabled === undefined || enabled === isEnabled(current) ? {} : { enabled }),
        ...(description === undefined || description === (current.description_override ?? null)
          ? {}
          : { description_override: description }),
      };
      if (Object.keys(change).length === 0) return { value: current, isChanged: false };
      const changed = await this.pipelines.changeSettings(current, change);
      if (changed) return { value: changed, isChanged: true };
    }
  }

  /**
   * Whether something may be started by it; undefined when there is no such pipeline (any more).
   */
  async isEnabled(id: string): Promise<boolean | undefined> {
    const pipeline = await this.pipelines.findHead(id);
    return pipeline && isEnabled(pipeline);
  }

  /** The file of a connected repository that it is; undefined: none, or it is gone. */
  async sourceOf(id: string): Promise<PipelineSource | undefined> {
    const pipeline = await this.pipelines.findHead(id);
    return pipeline?.source;
  }

  /** Its executions stay, and so do the plans that they ran; its secrets do not. */
  async delete(id: string): Promise<void> {
    await this.getHead(id);
    await this.secrets.deleteOf({ scope: 'pipeline', id });
    await this.pipelines.delete(id);
    await this.versions.deleteAll(id);
  }

  async list(page: PageRequest): Promise<Page<PipelineSummary>> {
    return this.pipelines.list(page);
  }

  async listOfRepository(id: string, page: PageRequest): Promise<Page<RepositoryPipeline>> {
    return this.pipelines.listOfRepository(id, page);
  }

  /** @throws NotFoundError */
  async getPipeline(id: string): Promise<PipelineDocument> {
    const pipeline = await this.pipelines.find(id);
    if (!pipeline) throw notFound('pipeline', id);
    return pipeline;
  }

  /**
   * The pipeline as a reader sees it.
   * @throws NotFoundError
   */
  async showPipeline(
    id: string,
    reader: Pick<Principal, 'scopes'>,
  ): Promise<Shown<PipelineDocument>> {
    const pipeline = await this.getPipeline(id);
    if (seesExactText(reader)) return shownExactly(pipeline);
    return shownMasked(pipeline, PIPELINE_FIELDS, await this.plans.get(pipeline.plan_hash));
  }

  /**
   * The pipeline without its texts.
   * @throws NotFoundError
   */
  async getHead(id: string): Promise<PipelineHead> {
    const pipeline = await this.pipelines.findHead(id);
    if (!pipeline) throw notFound('pipeline', id);
    return pipeline;
  }

  async exists(id: string): Promise<boolean> {
    return this.pipelines.exists(id);
  }

  async listVersions(id: string, page: PageRequest): Promise<Page<VersionSummary>> {
    const pipeline = await this.getHead(id);
    return this.versions.list(id, newestNumber(pipeline), page);
  }

  /** @throws NotFoundError */
  async getVersionDocument(id: string, number: number): Promise<PipelineVersionDocument> {
    return this.versionOf(await this.getHead(id), number);
  }

  /**
   * A version as a reader sees it.
   * @throws NotFoundError
   */
  async showVersion(
    id: string,
    number: number,
    reader: Pick<Principal, 'scopes'>,
  ): Promise<Shown<PipelineVersionDocument>> {
    const version = await this.getVersionDocument(id, number);
    if (seesExactText(reader)) return shownExactly(version);
    return shownMasked(version, VERSION_FIELDS, await this.plans.get(version.plan_hash));
  }

  /**
   * The current version, or one by its number, with its plan.
   * @throws NotFoundError
   */
  async getVersion(id: string, number?: number): Promise<RunnableVersion> {
    const pipeline = await this.getHead(id);
    const version = await this.versionOf(pipeline, number ?? pipeline.version);
    return runnable(pipeline, version, await this.plans.get(version.plan_hash));
  }

  /**
   * Keeps a definition that was read from a commit, as a version of the pipeline that its file is;
   * both are made where they are missing. A text is one version, however often it is seen. That of
   * the default branch is made the current one.
   */
  async keepFromRepository(seen: SeenDefinition): Promise<RunnableVersion> {
    const { yaml, compiled, defaultBranch } = seen;
    const source = { ...seen.source, ...(defaultBranch !== null && { branch: defaultBranch }) };
    const id = pipelineIdOfFile(source);
    await this.plans.save(compiled.planHash, compiled.plan);
    const [version, current] = await whenBothEnd(
      this.versionOfText(id, seen),
      this.pipelines.findHead(id),
    );
    const fields = currentFields(version.number, yaml, version.plan_hash, compiled.definition);
    if (!current) {
      const at = version.created_at;
      const settings = { enabled: true, changes: 0, source };
      await this.pipelines.insert({
        ...fields,
        ...settings,
        _id: id,
        created_at: at,
        updated_at: at,
      });
    } else if (
      defaultBranch !== null &&
      (current.version !== version.number || current.source?.branch !== defaultBranch)
    ) {
      await this.pipelines.makeCurrent(id, { ...fields, updated_at: new Date() }, source);
    } else {
      return runnable(current, version, await this.plans.get(version.plan_hash));
    }
    return this.getVersion(id, version.number);
  }

  /** What the pipeline of a file is called, if one was ever read there that compiled. */
  async nameOfFile(source: SeenDefinition['source']): Promise<string | undefined> {
    return (await this.pipelines.findHead(pipelineIdOfFile(source)))?.name;
  }

  /** Of those that the API has stored, all with a rule for one of these events. */
  idsWithTriggers(types: readonly string[]): Promise<string[]> {
    return this.pipelines.idsWithTriggers(types);
  }

  /** All whose current version has a schedule. */
  scheduled(): Promise<ScheduledPipeline[]> {
    return this.pipelines.scheduled();
  }

  /**
   * The default branch of a repository has been seen, with pipelines in these files alone: the
   * others are not there any more.
   */
  seenOnDefaultBranch(repositoryId: string, paths: readonly string[]): Promise<void> {
    return this.pipelines.leaveBranch(repositoryId, paths);
  }

  /** Ids of pipelines whose name this is now, oldest first; names need not be unique. */
  idsNamed(name: string, limit: number): Promise<string[]> {
    return this.pipelines.idsNamed(name, limit);
  }

  private async versionOfText(
    id: string,
    { yaml, compiled, commit }: SeenDefinition,
  ): Promise<PipelineVersionDocument> {
    const hash = createHash('sha256').update(yaml).digest('hex');
    for (;;) {
      const known = await this.versions.findText(id, hash);
      if (known) return known;
      const number = (await this.versions.newestNumber(id)) + 1;
      const by = { id: 'repository' };
      const mine = versionDocument(id, number, yaml, compiled, by, new Date());
      const stored = await this.versions.insert({ ...mine, text_hash: hash, commit });
      if (stored.text_hash === hash) return stored;
    }
  }

  private async createdBefore(id: string): Promise<SavedPipeline | undefined> {
    const pipeline = await this.pipelines.find(id);
    if (!pipeline) return undefined;
    const { warnings } = await this.versionOf(pipeline, pipeline.version);
    return { pipeline, warnings };
  }

  private async versionOf(
    pipeline: PipelineHead,
    number: number,
  ): Promise<PipelineVersionDocument> {
    const { _id: id } = pipeline;
    const newest = newestNumber(pipeline);
    const version = number <= newest ? await this.versions.find(id, number) : undefined;
    if (!version) {
      throw noVersion(id, number, pipeline.version);
    }
    return version;
  }

  private async compileValid(yaml: string): Promise<ValidYaml> {
    const compiled = await this.validate(yaml);
    if (compiled.kind === 'valid') return compiled;
    throw invalidPipeline(compiled.problems);
  }

  private async makeCurrent(version: PipelineVersionDocument): Promise<void> {
    const definition = JSON.parse(version.definition) as DefinitionDocument;
    await this.pipelines.advance(version.pipeline_id, {
      ...currentFields(version.number, version.yaml_content, version.plan_hash, definition),
      updated_at: version.created_at,
    });
  }
}

/** What is stored by itself comes with no files. */
function withWorkspaceWarning(compiled: CompiledYaml): CompiledYaml {
  const warning = compiled.kind === 'valid' ? emptyWorkspaceWarning(compiled.plan) : undefined;
  if (warning === undefined) return compiled;
  return { ...compiled, problems: [warning, ...compiled.problems] };
}

/** Id of the pipeline that a file of a connected repository is, also if it never compiled. */
export function pipelineIdOfFile({ repository_id, path }: SeenDefinition['source']): string {
  return v5(`${repository_id} ${path}`, SOURCE_NAMESPACE);
}

function versionDocument(
  pipelineId: string,
  number: number,
  yaml: string,
  compiled: ValidYaml,
  principal: Pick<Principal, 'id'>,
  createdAt: Date,
): PipelineVersionDocument {
  return {
    _id: versionId(pipelineId, number),
    pipeline_id: pipelineId,
    number,
    name: compiled.definition.name,
    yaml_content: yaml,
    plan_hash: compiled.planHash,
    definition: JSON.stringify(compiled.definition),
    inputs: JSON.stringify(compiled.inputs),
    warnings: compiled.problems,
    created_by: principal.id,
    created_at: createdAt,
  };
}

/**
 * What a pipeline copies from its current version; a field that is not listed here is not stored.
 */
function currentFields(
  version: number,
  yaml: string,
  planHash: string,
  definition: DefinitionDocument,
): Omit<PipelineDocument, '_id' | 'created_at' | 'updated_at' | keyof PipelineSettings> {
  const { name, description, triggers, stages, environment, timeout, retry_count } = definition;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    triggers,
    stages,
    environment,
    timeout,
    retry_count,
    yaml_content: yaml,
    version,
    plan_hash: planHash,
  };
}

/**
 * One writer at one moment; the same text from two writers at one moment is one version for both.
 */
function isSameVersion(a: PipelineVersionDocument, b: PipelineVersionDocument): boolean {
  return (
    a.yaml_content === b.yaml_content &&
    a.created_by === b.created_by &&
    a.created_at.getTime() === b.created_at.getTime()
  );
}

/** The version in a list, and by its number, must not be above it. */
function newestNumber({ version, source }: PipelineHead): number {
  // Branches of a repository have versions that are not the current one.
  return source ? Number.MAX_SAFE_INTEGER - 1 : version;
}

/** 409: the text of it is a file of a repository. */
export function livesInRepository({ path }: Pick<PipelineSource, 'path'>): MillraceError {
  return conflict(`The pipeline lives in a repository: its text is the file ${path} there.`, {
    details: { path },
    suggestions: ['Change the file and push it.'],
  });
}

/** @throws ConflictError */
function refuseStale(current: PipelineDocument, expected: string | undefined): void {
  const tag = versionTag(current);
  if (expected === undefined || expected === tag) return;
  throw changedSince(current.version, tag, expected);
}

function summary(problems: readonly Problem[]): string {
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  return errors === 1 ? 'The pipeline has 1 error.' : `The pipeline has ${errors} errors.`;
}

/** The first few of the problems' own suggestions, each with its place. */
function suggestionsOf(problems: readonly Problem[]): string[] {
  return problems
    .filter((problem) => problem.severity === 'error' && problem.suggestion !== undefined)
    .slice(0, 3)
    .map((problem) => `Line ${problem.line}: ${problem.suggestion ?? ''}`)
    .concat('Check the file by `./millrace lint FILE` (POST /api/ci/pipelines/validate).');
}

function runnable(
  { _id: pipelineId, enabled, source }: Pick<PipelineHead, '_id' | 'enabled' | 'source'>,
  version: PipelineVersionDocument,
  plan: Plan,
): RunnableVersion {
  return {
    pipelineId,
    pipelineName: version.name,
    enabled: isEnabled({ enabled }),
    ...(source && { source }),
    number: version.number,
    planHash: version.plan_hash,
    plan,
    definition: {
      inputs: JSON.parse(version.inputs) as InputDefinition[],
      triggers: (JSON.parse(version.definition) as DefinitionDocument).triggers,
    },
  };
}

/** 400: the YAML has errors. */
export function invalidPipeline(problems: readonly Problem[]): MillraceError {
  return validationError(summary(problems), {
    details: problems,
    suggestions: suggestionsOf(problems),
  });
}

/** 404 @param current the number of the current version */
export function noVersion(pipelineId: string, number: number, current: number): MillraceError {
  return notFound('version', `${number} of pipeline ${pipelineId}`, {
    suggestions: [`The current version is ${current}.`],
  });
}

/** 409: the pipeline is not as its reader saw it. */
export function changedSince(version: number, tag: string, expected: string): MillraceError {
  return conflict(`The pipeline has changed: it is at ${tag} by now, not at ${expected}.`, {
    details: { version, etag: tag },
    suggestions: ['Read the pipeline again, put your change into what you read, and send that.'],
  });
}
