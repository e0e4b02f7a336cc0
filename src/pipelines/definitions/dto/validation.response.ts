import { ApiProperty } from '@nestjs/swagger';
import type { Problem } from '../../../engine/yaml/problem.js';
import { ProblemResponse } from './pipeline.response.js';

/** What is wrong with a text; nothing was stored. */
export class ValidationResponse {
  @ApiProperty({ example: true, description: 'False when there is at least one error.' })
  valid!: boolean;

  @ApiProperty({ type: String, nullable: true, example: 'hello' })
  name!: string | null;

  @ApiProperty({ type: [ProblemResponse], example: [] })
  problems!: readonly Problem[];
}
