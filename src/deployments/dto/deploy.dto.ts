import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNotEmpty, IsObject, IsString, IsUUID, MaxLength, ValidateNested } from 'class-validator';
import { EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';
import { NameMap } from '../../common/http/name-map.decorator.js';
import type { NameRecord } from '../../common/values/name-record.js';

/** Files that a step has left. */
export class DeployedArtifactDto {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  @IsUUID()
  execution_id!: string;

  @ApiProperty({
    ...{ example: 'pack', minLength: 1, maxLength: 200 },
    description: 'Of the artifacts; where the step gives none, that of the step.',
  })
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  name!: string;

  @ApiPropertyOptional({
    ...{ example: 'build', minLength: 1, maxLength: 200 },
    description: 'Where several steps have left artifacts of that name.',
  })
  @MayBeAbsent()
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  stage?: string;

  @ApiPropertyOptional({ example: 'pack', minLength: 1, maxLength: 200 })
  @MayBeAbsent()
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  step?: string;
}

export class DeployDto {
  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    example: {
      ...{ type: 'docker_container', service: 'shop', environment: 'production' },
      ...{ image: 'registry.example/shop:1.4.2', port: 3000, publish: { port: 8080 } },
    },
    description:
      'The map of the key `deploy` of a step, read as it is read there. Without a step there are no expressions, no workspace and no builds, and secrets are the global ones.',
  })
  @NameMap()
  deploy!: NameRecord<unknown>;

  @ApiPropertyOptional({
    type: DeployedArtifactDto,
    description:
      'Whose files they are, of a `local_directory` or a `local_service`; `source` is a folder of it.',
  })
  @MayBeAbsent()
  @IsObject()
  @ValidateNested()
  @Type(() => DeployedArtifactDto)
  artifact?: DeployedArtifactDto;

  @ApiPropertyOptional({
    ...{ example: 'web-1', minLength: 1, maxLength: 255 },
    description:
      'On which host. Absent: where the service lives; of a new one the only host that has workers.',
  })
  @MayBeAbsent()
  @IsString()
  @IsNotEmpty()
  @MaxLength(255)
  host?: string;
}
