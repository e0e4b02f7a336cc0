import { ApiProperty } from '@nestjs/swagger';
import { IsString, MinLength } from 'class-validator';
import { OwnCharacters } from '../../../common/http/name-map.decorator.js';

export const EXAMPLE_YAML = `name: hello
stages:
  - name: greet
    steps:
      - name: say
        run: echo "hello from $CI_PIPELINE"
`;

/** Body of the routes that take a pipeline as JSON. */
export class YamlContentDto {
  @ApiProperty({
    description: 'The pipeline as YAML, at most 1 MiB.',
    example: EXAMPLE_YAML,
  })
  @IsString()
  @MinLength(1)
  @OwnCharacters()
  yaml_content!: string;
}
