import { ApiProperty } from '@nestjs/swagger';
import { DEPLOYMENT_KINDS, DEPLOYMENT_STATUSES } from '../../record/deployment.js';
import { DeploymentReasonResponse } from '../../dto/deployment.response.js';
import {
  EXPLAINED_PARTS,
  type ExplainedDeployment,
  explainDeployment,
} from '../deployment-explanation.js';

export class ExplainedPartResponse extends DeploymentReasonResponse {
  @ApiProperty({ enum: EXPLAINED_PARTS })
  about!: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'When it was so; null: it is so now, or no time was stored.',
  })
  at!: Date | null;
}

/** Why a deployment is as it is. */
export class DeploymentExplanationResponse {
  @ApiProperty({ format: 'uuid' })
  deployment_id!: string;

  @ApiProperty({ enum: DEPLOYMENT_KINDS })
  kind!: string;

  @ApiProperty({ enum: DEPLOYMENT_STATUSES })
  status!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({ example: 'shop' })
  service!: string;

  @ApiProperty({
    type: DeploymentReasonResponse,
    nullable: true,
    description: 'Why it waits, or ended as it did.',
  })
  reason!: DeploymentReasonResponse | null;

  @ApiProperty({
    type: [ExplainedPartResponse],
    description:
      'What led to it, in the order of time, by what was stored: who asked, what people said, what it waited for, the release, its gate, the switch, what served before, warnings, the end.',
  })
  parts!: ExplainedPartResponse[];
}

export function deploymentExplanationResponse(
  seen: ExplainedDeployment,
): DeploymentExplanationResponse {
  const { _id, kind, status, environment, service, reason } = seen.deployment;
  return {
    deployment_id: _id,
    ...{ kind, status, environment, service, reason },
    parts: explainDeployment(seen).map((one) => ({ ...one })),
  };
}
