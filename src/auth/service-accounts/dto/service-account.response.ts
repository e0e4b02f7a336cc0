import { ApiProperty } from '@nestjs/swagger';
import type { ServiceAccountDocument } from '../service-account.schema.js';

/** An account of a program. */
export class ServiceAccountResponse {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'deploy-bot' })
  name!: string;

  @ApiProperty()
  description!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({ description: 'Id of whoever made it.' })
  created_by!: string;
}

export function serviceAccountResponse(account: ServiceAccountDocument): ServiceAccountResponse {
  return {
    id: account._id,
    name: account.name,
    description: account.description,
    created_at: account.created_at,
    created_by: account.created_by,
  };
}
