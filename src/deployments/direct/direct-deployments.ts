import { Injectable } from '@nestjs/common';
import { posix } from 'node:path';
import type { Principal } from '../../auth/principals/principal.js';
import {
  conflict,
  type MillraceError,
  validationError,
} from '../../common/errors/millrace.error.js';
import type { PartDeploy } from '../../engine/steps/deploy/deploy-action.js';
import {
  type DirectDeploy,
  type DirectProblem,
  readDirectDeploy,
} from '../../engine/steps/deploy/direct-deploy.js';
import type { Reservation } from '../../idempotency/reservation.js';
import { acceptAt, mustFit, placeOf } from '../asked-place.js';
import { causeBy } from '../cause-by.js';
import { refused } from '../approvals/deployment-approvals.js';
import {
  type Deployment,
  type DirectRequest,
  hostOf,
  notBegun,
  type Service,
  serviceIdOf,
} from '../record/deployment.js';
import { DeploymentStore } from '../record/deployment-store.js';
import { SealedTexts } from '../record/sealed-texts.js';
import { DeploymentGate } from '../running/approval-gate.js';
import { deploymentReasons } from '../running/deployment-reasons.js';
import { AskedSettings } from '../steps/asked-settings.js';
import { type AskedArtifact, DirectArtifacts, type FoundArtifact } from './direct-artifacts.js';
import { DirectHosts } from './direct-hosts.js';
import { DirectSecrets } from './direct-secrets.js';

export interface AskedDeployment {
  /** The map of the key `deploy` of a step; plain JSON. */
  readonly deploy: unknown;
  readonly artifact: AskedArtifact | undefined;
  readonly host: string | undefined;
}

/** Of an image there is no execution. */
const NO_ORIGIN: FoundArtifact['origin'] = {
  ...{ execution_id: null, pipeline_id: null, pipeline_name: null, commit: null, branch: null },
};

/** Puts into service what no step deploys: an image, or the files of an artifact. */
@Injectable()
export class DirectDeployments {
  private readonly settings: AskedSettings;

  constructor(
    private readonly store: DeploymentStore,
    private readonly gate: DeploymentGate,
    private readonly hosts: DirectHosts,
    private readonly secrets: DirectSecrets,
    private readonly artifacts: DirectArtifacts,
    sealed: SealedTexts,
  ) {
    // Which folder a relative one is, only the worker knows that has it.
    this.settings = new AskedSettings(store, sealed, ({ path }) =>
      path.startsWith('/') ? posix.normalize(path).replace(/\/+$/, '') : path,
    );
  }

  /**
   * Asks for it, under the rules of its environment. A worker of its host does it.
   *
   * @throws ValidationError, NotFoundError, ConflictError: there is no host or place for it;
   *   AuthorizationError: the environment allows it not
   */
  async deploy(
    asked: AskedDeployment,
    by: Principal,
    { id, repeated }: Reservation,
  ): Promise<Deployment> {
    const before = repeated ? await this.store.find(id) : undefined;
    if (before !== undefined) return before;
    const { action, secrets } = read(asked);
    const { environment, service: name, type } = action;
    const found = asked.artifact && (await this.artifacts.find(asked.artifact));
    const cause = causeBy(found?.cause, by);
    const refusal = await this.gate.refusal(environment, cause);
    if (refusal !== undefined) throw refused(refusal);
    const service_id = serviceIdOf(environment, name);
    const there = await this.store.service(service_id);
    refusePart(there);
    const host = await this.hostOf(action, there, asked.host);
    const settings = await this.settings.of({
      action,
      found: await this.secrets.found(action, secrets),
    });
    if (settings.type === 'hybrid') throw new Error('a unit by the API');
    const place = placeOf(settings);
    const deployment: Omit<Deployment, 'turn'> = {
      ...{ _id: id, request_key: id, kind: 'deploy', environment, service: name, service_id },
      ...{ type, settings, host: hostOf(settings, host), worker_id: null, fence: 0 },
      ...{ release_id: null, cause, direct: requestOf(action, found) },
      ...{ ...(found?.origin ?? NO_ORIGIN), stage: null, step: null },
      ...{ triggered_by: by.id, ...notBegun(new Date()) },
    };
    mustFit(deployment, there, place);
    return acceptAt(this.store, deployment, there, place);
  }

  private async hostOf(
    action: PartDeploy,
    there: Service | undefined,
    asked: string | undefined,
  ): Promise<string> {
    const isElsewhere = action.type === 'local_directory' && action.ssh !== undefined;
    return isElsewhere ? '' : this.hosts.choose(there, asked);
  }
}

/** @throws ValidationError with all that is wrong */
function read({ deploy, ...beside }: AskedDeployment): DirectDeploy {
  const found = readDirectDeploy(deploy, beside);
  if (found.kind === 'refused') throw invalid(found.problems);
  return found;
}

/** 400 */
export function invalid(problems: readonly DirectProblem[]): MillraceError {
  const [first, ...more] = problems;
  const others =
    more.length === 0
      ? ''
      : ` There ${more.length === 1 ? 'is 1 more problem' : `are ${more.length} more problems`}.`;
  return validationError(`${first?.path ?? ''}: ${first?.message ?? ''}${others}`, {
    details: problems,
    suggestions: problems.flatMap(({ path, suggestion }) =>
      suggestion === undefined ? [] : [`${path}: ${suggestion}`],
    ),
  });
}

/** @throws ConflictError */
function refusePart(there: Service | undefined): void {
  if (!there?.unit || there.release_id === null) return;
  throw conflict(`${deploymentReasons.partOfUnit(there).message}.`);
}

function requestOf(action: PartDeploy, found: FoundArtifact | undefined): DirectRequest {
  const may_be_older = action.allowOlder === true;
  if (action.type === 'docker_container') {
    const { pull, port } = action;
    const image = { ...(pull && { pull }), ...(port !== undefined && { port }) };
    return { image, may_be_older };
  }
  const { source = '.' } = action;
  return { ...(found && { artifact: { ...found.artifact, source } }), may_be_older };
}
