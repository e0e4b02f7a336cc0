import { ApiProperty } from '@nestjs/swagger';
import type { Artifact } from '../artifact.js';

/** One file that a step has left behind. */
export class ArtifactResponse {
  @ApiProperty({ example: 'dist/app.js', description: 'In the workspace.' })
  path!: string;

  @ApiProperty({ description: 'Of the artifacts that it belongs to.' })
  name!: string;

  @ApiProperty({ description: 'Bytes.' })
  size!: number;

  @ApiProperty({ description: 'SHA-256, in hex.' })
  digest!: string;

  @ApiProperty({ example: 420, description: 'Permission bits.' })
  mode!: number;

  @ApiProperty()
  stage!: string;

  @ApiProperty()
  step!: string;

  @ApiProperty({ description: 'Of the step, from 1.' })
  attempt!: number;

  @ApiProperty({ description: 'Of the execution, from 1.' })
  execution_attempt!: number;

  @ApiProperty({ type: String, format: 'date-time' })
  created_at!: Date;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    description: 'Null: it goes with its execution.',
  })
  expires_at!: Date | null;
}

export function artifactResponse(artifact: Artifact): ArtifactResponse {
  const { path, name, size, digest, mode, stage, step, attempt } = artifact;
  return {
    ...{ path, name, size, digest, mode, stage, step, attempt },
    execution_attempt: artifact.executionAttempt,
    created_at: artifact.createdAt,
    expires_at: artifact.expiresAt ?? null,
  };
}
