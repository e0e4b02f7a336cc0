import { Injectable } from '@nestjs/common';
import { nameRecord, type NameRecord, valueOf } from '../../common/values/name-record.js';
import type { Plan } from '../../engine/plan/plan.js';
import { secretsOf } from '../../engine/plan/secret-names.js';
import { neededSecrets } from '../../engine/preview/needed-secrets.js';
import { cloneSecretsOf, registrySecretsOf } from '../../engine/steps/clone-secrets.js';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import { MissingKeyError } from '../../secrets/encryption/keyring.js';
import {
  type ResolvedSecrets,
  type SecretReader,
  type SecretRefusal,
  SecretsService,
} from '../../secrets/store/secrets.service.js';
import type { TakenSecret } from '../../secrets/store/taken-secret.js';
import type { ExecutionRecord } from '../record/execution.schema.js';
import { runContextOf } from '../record/run-context.js';
import { whyUnprotected } from './protected-run.js';
import { CloneAccess } from './steps/clone-access.js';
import { RegistryAccess } from './steps/registry-access.js';

type Asking = Parameters<typeof runContextOf>[0] & Pick<ExecutionRecord, 'asked'>;

export type GivenSecrets =
  | {
      readonly kind: 'values';
      /** What steps find in their variables. */
      readonly values: NameRecord<string>;
      /** Which ones these are. Absent: none. */
      readonly taken?: readonly TakenSecret[];
      readonly access: CloneAccess;
      readonly registries: RegistryAccess;
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
   * that of the base branch, for the repository itself and not for what files of it name. Which
   * secrets are for such a run is decided by its trigger as it is stored.
   * @param isCloning whether the run clones anything
   */
  async resolve(execution: Asking, plan: Plan, isCloning: boolean): Promise<GivenSecrets> {
    const isOfFork = execution.trigger_info.event?.fork === true;
    const ofSteps = isOfFork ? [] : secretsOf(plan);
    const ofClones = cloneSecretsOf(plan);
    const ofRegistries = isOfFork ? [] : registrySecretsOf(plan);
    const names = [...new Set([...ofSteps, ...ofClones, ...ofRegistries])];
    if (names.length === 0 && !isCloning) {
      return {
        kind: 'values',
        values: nameRecord([]),
        access: CloneAccess.none,
        registries: RegistryAccess.none,
      };
    }
    const repository = await this.repositoryOf(execution, plan);
    const found = await this.find(names, execution, plan, {
      pipelineId: execution.pipeline_id,
      repositoryId: repository?._id,
      event: execution.trigger_info.trigger_type,
      unprotected: whyUnprotected({ execution, plan, repository }),
    });
    if (found.kind !== 'values') return found;
    const only = (wanted: readonly string[]): NameRecord<string> =>
      nameRecord(
        wanted.flatMap((name) => {
          const value = valueOf(found.values, name);
          return value === undefined ? [] : [[name, value] as const];
        }),
      );
    try {
      const url = repository && this.repositories.cloneUrl(repository);
      return {
        kind: 'values',
        values: only(ofSteps),
        taken: found.taken.filter(({ name }) => ofSteps.includes(name)),
        access: new CloneAccess(only(ofClones), url, isOfFork),
        registries: new RegistryAccess(plan.registries ?? [], only(ofRegistries)),
      };
    } catch (error) {
      if (!(error instanceof MissingKeyError)) throw error;
      const name = `token of the repository ${repository?.full_name ?? ''}`;
      return { kind: 'unreadable', name, keyId: error.keyId };
    }
  }

  /**
   * Those that are not for such a run are left out where only what names them is skipped: a
   * pipeline may test pull requests, and deploy by pushes with a secret of its own.
   */
  private async find(
    names: readonly string[],
    execution: Asking,
    plan: Plan,
    reader: SecretReader,
  ): Promise<ResolvedSecrets> {
    const found = await this.secrets.resolve(names, reader);
    if (found.kind !== 'withheld') return found;
    const needed = neededSecrets(plan, { ...runContextOf(execution), mask: (text) => text });
    const withheld = found.secrets.filter(({ name }) => needed.has(name));
    if (withheld.length > 0) return { ...found, secrets: withheld };
    const left = new Set(found.secrets.map(({ name }) => name));
    return this.secrets.resolve(
      names.filter((name) => !left.has(name)),
      reader,
    );
  }

  /**
   * The connected repository that a run belongs to: the one whose event it was, else the one where
   * its pipeline lives, else the one that its pipeline clones.
   */
  private async repositoryOf(
    { pipeline_id, trigger_info, asked }: Asking,
    plan: Plan,
  ): Promise<RepositoryDocument | undefined> {
    if (trigger_info.event) return this.repositories.find(trigger_info.event.repository_id);
    // The pipeline itself may be gone by now.
    const source = asked?.source ?? (await this.pipelines.sourceOf(pipeline_id));
    if (source) return this.repositories.find(source.repository_id);
    if (plan.repository === undefined) return undefined;
    return this.repositories.withCloneUrl(plan.repository.url);
  }
}
