import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import type { ServiceStop } from '../deployed-services.js';

const MOST_REASON = 500;

/** Body of `POST /api/services/:id/stop`. */
export class StopServiceDto {
  @ApiPropertyOptional({
    ...{ minLength: 1, maxLength: MOST_REASON, example: 'its disk is moved' },
    description: 'Shown with the service for as long as it is stopped.',
  })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MOST_REASON)
  reason?: string;
}

export class InstanceDeploymentResponse {
  @ApiProperty({ format: 'uuid', description: 'Of the deployment that does it' })
  deployment_id!: string;
}

/** That somebody has stopped a service. */
export class ServiceStopResponse {
  @ApiProperty({ description: 'Id of the account that asked for it.' })
  by!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  at!: Date;

  @ApiProperty({ type: String, nullable: true, example: 'its disk is moved' })
  reason!: string | null;

  @ApiProperty({ format: 'uuid', description: 'The deployment that stopped it.' })
  deployment_id!: string;
}

export function serviceStopResponse(stop: ServiceStop): ServiceStopResponse {
  const { by, at, reason, deploymentId: deployment_id } = stop;
  return { by, at, reason, deployment_id };
}
