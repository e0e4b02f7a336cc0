import { Injectable } from '@nestjs/common';
import { PipelinesService } from '../../pipelines/definitions/pipelines.service.js';
import { ExecutionListsRepository } from '../record/execution-lists.repository.js';
import type { Artifact } from './artifact.js';
import { ArtifactSources, type Upstream } from './artifact-sources.js';
import { ArtifactsRepository } from './artifacts.repository.js';
import { NoUpstreamError } from './no-upstream.error.js';

/** Successes that are looked at for one that is no fork's. */
const LOOKED_AT = 50;

/** Artifacts of all executions, by the database. */
@Injectable()
export class StoredArtifactSources extends ArtifactSources {
  constructor(
    private readonly artifacts: ArtifactsRepository,
    private readonly executions: ExecutionListsRepository,
    private readonly pipelines: PipelinesService,
  ) {
    super();
  }

  ofExecution(executionId: string): Promise<readonly Artifact[]> {
    return this.artifacts.ofExecution(executionId);
  }

  async lastSuccess(pipeline: string, branch: string): Promise<Upstream> {
    const [id, ...more] = await this.pipelines.idsNamed(pipeline, 2);
    if (id === undefined) throw new NoUpstreamError(`there is no pipeline ${pipeline}`);
    if (more.length > 0) {
      throw new NoUpstreamError(`several pipelines are named ${pipeline}: rename one of them`);
    }
    const filter = { pipelineId: id, status: 'success', branch } as const;
    const newest = await this.executions.list(filter, LOOKED_AT, undefined);
    const found = newest.find(({ trigger_info }) => trigger_info.event?.fork !== true);
    if (found === undefined) {
      throw new NoUpstreamError(`${pipeline} has no success on ${branch} yet`);
    }
    return { executionId: found._id, shown: `${pipeline}#${found.number ?? found._id}` };
  }
}
