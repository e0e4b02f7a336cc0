import { ApiProperty } from '@nestjs/swagger';
import type { OwnedThings } from '../deployed-services.js';
import type { PlannedRemoval } from '../services.service.js';

/** What one service has that would be removed. */
export class OwnedThingsResponse {
  @ApiProperty({ example: 'production/shop' })
  service!: string;

  @ApiProperty({ example: 'local_directory' })
  service_type!: string;

  @ApiProperty({ example: 'web-1', description: 'Where it is.' })
  host!: string;

  @ApiProperty({ type: [Number], example: [1, 2], description: 'Of which something is left.' })
  releases!: readonly number[];

  @ApiProperty({
    type: [String],
    example: ['/srv/www/shop/releases/1'],
    description: '`MILLRACE_HOME` stands for the data folder of the host.',
  })
  folders!: readonly string[];

  @ApiProperty({ type: [String], description: 'Names of the containers or programs that may run.' })
  instances!: readonly string[];

  @ApiProperty({ type: [String], description: 'They stay where something else needs them.' })
  images!: readonly string[];

  @ApiProperty({ type: [Number], description: 'They are given back.' })
  ports!: readonly number[];

  @ApiProperty({ type: [String], example: ['shop.example/'] })
  routes!: readonly string[];
}

/** What the removal of a service would take away. */
export class RemovalPlanResponse {
  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({ example: 'shop' })
  name!: string;

  @ApiProperty({
    type: [OwnedThingsResponse],
    description:
      'Of a unit its parts, and then itself; none: it was registered only. What the registry holds of it, with the history of its health, goes in any case.',
  })
  services!: readonly OwnedThingsResponse[];
}

export function removalPlanResponse(planned: PlannedRemoval): RemovalPlanResponse {
  const { environment, name, owned } = planned;
  return { environment, name, services: owned.map(ownedResponse) };
}

function ownedResponse({ id, type, ...things }: OwnedThings): OwnedThingsResponse {
  const { host, releases, folders, instances, images, ports, routes } = things;
  return {
    ...{ service: id, service_type: type, host, releases },
    ...{ folders, instances, images, ports, routes },
  };
}
