import { Injectable } from '@nestjs/common';
import { nameRecord, type NameRecord, valueOf } from '../../common/values/name-record.js';
import type { Plan } from '../../engine/plan/plan.js';
import { secretsOf } from '../../engine/plan/secret-names.js';
import { cloneSecretsOf } from '../../engine/steps/clone-secrets.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import { type SecretRefusal, SecretsService } from '../../secrets/store/secrets.service.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { CloneAccess } from './steps/clone-access.js';

type Asking = Pick<ExecutionRecord, 'pipeline_id' | 'trigger_info'>;

export type GivenSecrets =
  | {
      readonly kind: 'values';
      /** What steps find in their variables. */
      readonly values: NameRecord<string>;
      readonly access: CloneAccess;
    }
  | SecretRefusal;

/**
 * Gives a run the secrets that its plan names, at the start of an attempt. Nothing else opens their
 * values, and these are in no plan, job or stored execution.
 */
@Injectable()
export class RunSecrets {
  constructor(
    private readonly secrets: SecretsService,
    private readonly pipelines: PipelinesService,
    private readonly repositories: RepositoriesService,
  ) {}

  /**
   * All of them, or why not. The steps of a pull request of another repository get none, whatever
   * else is true: its code is a stranger's. The clone itself has what the pipeline names, which is
   * that of the base branch, for the repository itself and not for what files of it name.
   * @param isCloning whether the run clones anything
   */
  async resolve(execution: Asking, plan: Plan, isCloning: boolean): Promise<GivenSecrets> {
    const isOfFork = execution.trigger_info.event?.fork === true;
    const ofSteps = isOfFork ? [] : secretsOf(plan);
    const ofClones = cloneSecretsOf(plan);
    const names = [...new Set([...ofSteps, ...ofClones])];
    if (names.length === 0 && !isCloning) {
      return { kind: 'values', values: nameRecord([]), access: CloneAccess.none };
    }
    const repository = await this.repositoryOf(execution, plan);
    const reader = { pipelineId: execution.pipeline_id, repositoryId: repository?._id };
    const found = await this.secrets.resolve(names, reader);
    if (found.kind !== 'values') return found;
    const only = (wanted: readonly string[]): NameRecord<string> =>
      nameRecord(wanted.map((name) => [name, valueOf(found.values, name) ?? ''] as const));
    try {
      const url = repository && this.repositories.cloneUrl(repository);
      return {
        kind: 'values',
        values: only(ofSteps),
        access: new CloneAccess(only(ofClones), url, isOfFork),
      };
    } catch (error) {
      if (!(error instanceof MissingKeyError)) throw error;
      const name = `token of the repository ${repository?.full_name ?? ''}`;
      return { kind: 'unreadable', name, keyId: error.keyId };
    }
  }

  /**
   * The connected repository that a run belongs to: the one whose event it was, else the one where
   * its pipeline lives, else the one that its pipeline clones.
   */
  private async repositoryOf(
    { pipeline_id, trigger_info }: Asking,
    plan: Plan,
  ): Promise<RepositoryDocument | undefined> {
    if (trigger_info.event) return this.repositories.find(trigger_info.event.repository_id);
    const source = await this.pipelines.sourceOf(pipeline_id);
    if (source) return this.repositories.find(source.repository_id);
    if (plan.repository === undefined) return undefined;
    return this.repositories.withCloneUrl(plan.repository.url);
  }
}
