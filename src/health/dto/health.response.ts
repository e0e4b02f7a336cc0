import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { HealthReport } from '../health.service.js';

export class CheckResponse {
  @ApiProperty({ enum: ['up', 'degraded', 'down'], example: 'up' })
  status!: string;

  @ApiProperty({ example: 'reachable' })
  message!: string;

  @ApiProperty({ example: 3 })
  duration_ms!: number;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: Readonly<Record<string, unknown>>;
}

/** The health of every part. */
export class HealthResponse {
  @ApiProperty({ enum: ['ok', 'degraded', 'down'], example: 'ok' })
  status!: HealthReport['status'];

  @ApiProperty({ example: 'Millrace is up.' })
  message!: string;

  @ApiProperty({ type: String, format: 'date-time' })
  timestamp!: string;

  @ApiProperty({ example: '0.1.0' })
  version!: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: '#/components/schemas/CheckResponse' },
    example: { database: { status: 'up', message: 'reachable', duration_ms: 3 } },
  })
  checks!: HealthReport['checks'];
}

/** Only whether the process answers. */
export class LiveResponse {
  @ApiProperty({ enum: ['ok'], example: 'ok' })
  status!: 'ok';
}
