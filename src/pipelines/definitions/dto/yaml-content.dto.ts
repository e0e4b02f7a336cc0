import { ApiProperty } from '@nestjs/swagger';
import { IsString, MinLength } from 'class-validator';
import { OwnCharacters } from '../../../common/http/name-map.decorator.js';
import { type Problem } from '../../../engine/yaml/problem.js';
import { TextBody } from '../../../common/http/text-body.js';

export const EXAMPLE_YAML = `name: hello
stages:
  - name: greet
    steps:
      - name: say
        run: echo "hello from $CI_PIPELINE"
`;

/** What the check says of `EXAMPLE_YAML` with `runs` in the place of `run`. */
export const EXAMPLE_PROBLEMS: readonly Problem[] = [
  {
    path: 'stages[0].steps[0]',
    line: 5,
    column: 9,
    severity: 'error',
    code: 'missing_action',
    message: 'The step has nothing to do.',
    suggestion: 'Add run: <command>',
  },
  {
    path: 'stages[0].steps[0].runs',
    line: 6,
    column: 9,
    severity: 'error',
    code: 'unknown_key',
    message: 'A step has no key "runs".',
    suggestion: 'Did you mean "run"?',
  },
];

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

/** The route takes the YAML of its `yaml_content` as the body itself, too (RFC 9512). */
export function YamlBody(): MethodDecorator {
  const types = ['application/yaml', 'text/yaml'];
  return TextBody({ types, property: 'yaml_content' }, EXAMPLE_YAML);
}
