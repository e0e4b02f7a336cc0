import { ApiProperty } from '@nestjs/swagger';
import type { PlannedRollback } from '../rollbacks.js';
import {
  DeploymentReasonResponse,
  releaseResponse,
  ReleaseResponse,
} from './deployment.response.js';

/** What a rollback would do, and what of it one should know before. */
export class RollbackPlanResponse {
  @ApiProperty({ example: 'production/shop' })
  service_id!: string;

  @ApiProperty({ type: ReleaseResponse, description: 'That would serve.' })
  release!: ReleaseResponse;

  @ApiProperty({ type: ReleaseResponse, nullable: true, description: 'That serves now.' })
  serving!: ReleaseResponse | null;

  @ApiProperty({
    type: [DeploymentReasonResponse],
    description: 'Names of variables and secrets that are different today, and never a value.',
  })
  warnings!: DeploymentReasonResponse[];
}

export function rollbackPlanResponse(planned: PlannedRollback): RollbackPlanResponse {
  const { service, release, serving, warnings } = planned;
  return {
    service_id: service._id,
    release: releaseResponse(release),
    serving: serving ? releaseResponse(serving) : null,
    warnings: [...warnings],
  };
}
