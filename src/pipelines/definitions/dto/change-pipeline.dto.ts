import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsString, Matches, MaxLength, ValidateIf } from 'class-validator';

/** Body of `PATCH`: what of a pipeline is not in its YAML. */
export class ChangePipelineDto {
  @ApiPropertyOptional({
    type: String,
    nullable: true,
    maxLength: 10_000,
    example: 'Nightly build of the shop',
    description:
      'Shown in place of the description in the YAML, over all versions; `null` takes it away, so that the YAML speaks again.',
  })
  @ValidateIf(
    ({ description }: ChangePipelineDto) => description !== undefined && description !== null,
  )
  @IsString()
  @MaxLength(10_000)
  @Matches(/^[^\0\p{Surrogate}]*$/u, {
    message: 'description must be whole characters, without NUL',
  })
  description?: string | null;

  @ApiPropertyOptional({
    example: true,
    description: 'False: nothing starts any more; what was accepted before continues.',
  })
  @ValidateIf(({ enabled }: ChangePipelineDto) => enabled !== undefined)
  @IsBoolean()
  enabled?: boolean;
}
