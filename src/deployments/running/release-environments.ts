import type { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import type { Reason } from '../../engine/plan/run-state.js';
import { BrokenSealError, MissingKeyError } from '../../secrets/encryption/keyring.js';
import type { SecretsService } from '../../secrets/store/secrets.service.js';
import { deploymentReasons } from './deployment-reasons.js';
import type { Release } from '../record/deployment.js';
import type { DeploymentStore } from '../record/deployment-store.js';
import { environmentDifference } from '../record/environment-difference.js';
import type { SealedTexts } from '../record/sealed-texts.js';

/** What somebody who brings back a release is told of its variables and secrets before. */
export class ReleaseEnvironments {
  constructor(
    private readonly sealed: SealedTexts,
    private readonly secrets: Pick<SecretsService, 'changedSince' | 'replaced'>,
    private readonly executions: Pick<ExecutionsRepository, 'find'>,
  ) {}

  /**
   * How the environment of a release differs from today's, by names: from that of what serves, and
   * from the store of secrets. Nothing is said of what has no variables.
   * Rejects when the store is away.
   */
  async warnings(release: Release, serving: Release | undefined): Promise<readonly Reason[]> {
    const stale = await this.staleSecrets(release);
    const renewed =
      stale.length === 0 ? [] : [deploymentReasons.secretsChanged(release.number, stale)];
    return [...(await this.differs(release, serving)), ...renewed];
  }

  /**
   * The same of a unit that is brought back: of each part which is to serve another release than it
   * does, by the part.
   */
  async ofParts(
    { parts = [] }: Release,
    store: Pick<DeploymentStore, 'service' | 'release'>,
  ): Promise<readonly Reason[]> {
    const told: Reason[] = [];
    for (const { service_id: part, release_id: wanted } of parts) {
      const serving = (await store.service(part))?.release_id;
      if (!serving || serving === wanted) continue;
      const [then, now] = [await store.release(wanted), await store.release(serving)];
      if (then === undefined) continue;
      const reasons = await this.warnings(then, now);
      told.push(...reasons.map((reason) => deploymentReasons.ofPart(part, reason)));
    }
    return told;
  }

  private async differs(release: Release, serving: Release | undefined): Promise<Reason[]> {
    const then = variablesIdOf(release);
    const now = serving && variablesIdOf(serving);
    if (then === undefined || now === undefined || then === now) return [];
    const { number } = release;
    try {
      const [before, today] = await Promise.all([this.variables(then), this.variables(now)]);
      const difference = environmentDifference(before, today);
      const { changed, only_now, only_then } = difference;
      return changed.length + only_now.length + only_then.length === 0
        ? []
        : [deploymentReasons.environmentDiffers(number, difference)];
    } catch (error) {
      if (!(error instanceof MissingKeyError || error instanceof BrokenSealError)) throw error;
      return [deploymentReasons.environmentUnknown(number, error.message)];
    }
  }

  private async variables(id: string): Promise<Readonly<Record<string, string>>> {
    const text = await this.sealed.find(id);
    return text === undefined ? {} : (JSON.parse(text) as Record<string, string>);
  }

  /**
   * Names of its secrets whose value in the store is another one, or gone, since it was taken.
   * Which values a release has is not known of older ones: of these, since the release was made.
   */
  private async staleSecrets(release: Release): Promise<readonly string[]> {
    const { settings, pipeline_id: pipelineId, execution_id: id, created_at: at } = release;
    const names = 'published' in settings ? (settings.secrets ?? []) : [];
    if (names.length === 0) return [];
    const repositoryId = id === null ? undefined : await this.repositoryOf(id);
    const owner = {
      ...(pipelineId !== null && { pipelineId }),
      ...(repositoryId !== undefined && { repositoryId }),
    };
    const taken = 'published' in settings ? settings.taken : undefined;
    return taken === undefined
      ? this.secrets.changedSince(names, owner, at)
      : this.secrets.replaced(taken, owner);
  }

  private async repositoryOf(executionId: string): Promise<string | undefined> {
    const execution = await this.executions.find(executionId);
    return (execution?.trigger_info.event ?? execution?.asked?.source)?.repository_id;
  }
}

function variablesIdOf({ settings }: Release): string | undefined {
  return 'published' in settings ? settings.variables : undefined;
}
