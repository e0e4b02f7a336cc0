import { ApiProperty } from '@nestjs/swagger';
import { SERVICE_STATUSES } from '../checks/service-status.js';
import { passing, type ServiceView } from '../service-view.js';

/** Where a service answers now. */
export class DiscoveryResponse {
  @ApiProperty({ example: 'shop' })
  name!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({ enum: SERVICE_STATUSES })
  status!: string;

  @ApiProperty({
    type: [String],
    example: ['https://shop.example/'],
    description: 'Those that pass, at least one.',
  })
  endpoints!: readonly string[];
}

export function discoveryResponse(view: ServiceView): DiscoveryResponse {
  const { name, environment, status } = view;
  return { name, environment, status, endpoints: passing(view) };
}
