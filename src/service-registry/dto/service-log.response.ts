import { ApiProperty } from '@nestjs/swagger';
import type { ServiceLog } from '../logs/service-logs.service.js';

/** What the instance that serves has said. */
export class ServiceLogResponse {
  @ApiProperty({ example: 'production/shop' })
  service_id!: string;

  @ApiProperty({ example: 'web-1', description: 'Where it runs.' })
  host!: string;

  @ApiProperty({ example: 3, description: 'Number of the release that serves.' })
  release!: number;

  @ApiProperty({
    type: [String],
    example: ['listening on 8080'],
    description:
      'The last ones, the oldest first, of both outputs; at most 256 KiB. Secrets are ***.',
  })
  lines!: readonly string[];
}

export function serviceLogResponse({
  service,
  host,
  release,
  lines,
}: ServiceLog): ServiceLogResponse {
  return { service_id: service, host, release, lines };
}
