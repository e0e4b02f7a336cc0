import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import {
  type Deployment,
  placed,
  type Release,
  type TargetSettings,
} from '../record/deployment.js';
import { DeployRefusedError, type DeployTarget } from '../targets/deploy-target.js';
import { deploymentReasons } from './deployment-reasons.js';
import type { DeploymentTools, RunDeployment } from './recorded-run.js';

/** What a copy is made of: the files of the release that it copies, and its digest. */
export async function copiedFiles(
  { kind, source_release_id: id }: Deployment,
  { store, targetOf }: Pick<DeploymentTools, 'store' | 'targetOf'>,
): Promise<Pick<RunDeployment, 'source' | 'digest' | 'datedBy' | 'mayBeOlder'>> {
  if (id === undefined) return {};
  const found = await store.release(id);
  if (found?.digest == null) throw new Error(`a copy of no release: ${id}`);
  const release = placed(found);
  const { digest } = found;
  return {
    source: filesOf(release, targetOf(release.settings)),
    digest,
    // Who goes back means what is older.
    mayBeOlder: kind === 'rollback',
    ...(release.dated_by !== null && { datedBy: release.dated_by }),
  };
}

/** They are looked at when they are needed: somebody may have changed them by then. */
function filesOf(release: Release<TargetSettings>, target: DeployTarget): StepFiles {
  return {
    packed: async (request, signal, work) => {
      const digest = await target.digestOf(release);
      const { number } = release;
      if (digest === undefined) throw new DeployRefusedError(deploymentReasons.releaseGone(number));
      if (digest !== release.digest) {
        throw new DeployRefusedError(deploymentReasons.releaseChanged(number));
      }
      return target.filesOf(release).packed(request, signal, work);
    },
  };
}
