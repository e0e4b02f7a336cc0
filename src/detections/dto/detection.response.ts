import { ApiExtraModels, ApiProperty, ApiPropertyOptional, getSchemaPath } from '@nestjs/swagger';
import { FACTS, PROJECT_TYPES, type ProjectType } from '../../detection/candidate.js';
import type { CandidateView, DetectionView } from '../../detection/detection-view.js';

const OUTCOMES: readonly DetectionView['outcome'][] = ['detected', 'ambiguous', 'parts', 'unknown'];
const PURPOSES: readonly CandidateView['purpose'][] = ['service', 'site', 'library', 'unknown'];
const STATES: readonly CandidateView['facts'][string]['state'][] = [
  'known',
  'assumed',
  'ambiguous',
  'unknown',
];

/** Where something was read. */
export class DetectionSourceResponse {
  @ApiProperty({ example: 'package-json' })
  rule!: string;

  @ApiProperty({ example: 'package.json', description: 'From the top of the project.' })
  file!: string;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 12,
    description: 'Counted from 1; null: it is the file itself that says so.',
  })
  line!: number | null;
}

export class DetectionEvidenceResponse extends DetectionSourceResponse {
  @ApiProperty({ example: 0.5, description: 'From -1, which rules it out, to 1.' })
  weight!: number;

  @ApiProperty({ example: 'package.json is the manifest of a Node.js project' })
  message!: string;
}

export class DetectionChoiceResponse {
  @ApiProperty({ example: 'yarn' })
  value!: string;

  @ApiProperty({ type: DetectionSourceResponse })
  source!: DetectionSourceResponse;
}

/** What is known of one point, such as the start command. */
export class DetectionFactResponse {
  @ApiProperty({
    enum: STATES,
    description:
      '`known`: a file says so. `assumed`: the tool does so by itself. `ambiguous`: files contradict each other. `unknown`: only running it, or a person, could tell.',
  })
  state!: CandidateView['facts'][string]['state'];

  @ApiPropertyOptional({ example: 'npm start', description: 'Of `known` and `assumed`.' })
  value?: string;

  @ApiPropertyOptional({ type: DetectionSourceResponse, description: 'Of `known`.' })
  source?: DetectionSourceResponse;

  @ApiPropertyOptional({ type: [DetectionChoiceResponse], description: 'Of `ambiguous`.' })
  choices?: readonly DetectionChoiceResponse[];

  @ApiPropertyOptional({ description: 'Of all but `known`.' })
  reason?: string;
}

@ApiExtraModels(DetectionFactResponse)
export class DetectionCandidateResponse {
  @ApiProperty({ enum: PROJECT_TYPES })
  type!: ProjectType;

  @ApiProperty({ type: String, nullable: true, example: 'next' })
  framework!: string | null;

  @ApiProperty({ example: 0.95, minimum: 0, maximum: 1 })
  confidence!: number;

  @ApiProperty({
    enum: PURPOSES,
    description: '`service`: it can be started. `site`: its output is files.',
  })
  purpose!: CandidateView['purpose'];

  @ApiProperty({
    type: 'object',
    additionalProperties: { $ref: getSchemaPath(DetectionFactResponse) },
    description: `By name: ${FACTS.join(', ')}.`,
  })
  facts!: CandidateView['facts'];

  @ApiProperty({ type: [DetectionEvidenceResponse], description: 'Strongest first.' })
  evidence!: readonly DetectionEvidenceResponse[];
}

export class DetectionPartResponse {
  @ApiProperty({ example: 'apps/web' })
  folder!: string;

  @ApiProperty({ enum: PROJECT_TYPES })
  type!: ProjectType;

  @ApiProperty({ type: String, nullable: true, example: 'next' })
  framework!: string | null;

  @ApiProperty({ enum: PURPOSES })
  purpose!: CandidateView['purpose'];
}

export class DetectionFileProblemResponse {
  @ApiProperty({ example: 'package.json' })
  file!: string;

  @ApiProperty({ example: 3 })
  line!: number;

  @ApiProperty({ example: 'a comma is missing' })
  message!: string;
}

/** As `./millrace detect --json` prints it; docs/detection.md explains it. */
export class DetectionResponse implements DetectionView {
  @ApiProperty({ example: '', description: 'Below the top of the project; empty: the top.' })
  folder!: string;

  @ApiProperty({
    enum: OUTCOMES,
    description:
      '`detected`: `project` is what it is. `ambiguous`: several are as likely, choose a `type`. `parts`: it holds several projects, choose a `path`. `unknown`: nothing is likely enough.',
  })
  outcome!: DetectionView['outcome'];

  @ApiProperty({ example: 'node (express): package.json depends on express.' })
  reason!: string;

  @ApiProperty({ type: DetectionCandidateResponse, nullable: true })
  project!: CandidateView | null;

  @ApiProperty({ type: [DetectionCandidateResponse], description: 'Most likely first.' })
  candidates!: readonly CandidateView[];

  @ApiProperty({ type: [DetectionPartResponse] })
  parts!: readonly DetectionPartResponse[];

  @ApiProperty({
    type: [DetectionFileProblemResponse],
    description: 'Manifests that cannot be parsed.',
  })
  problems!: readonly DetectionFileProblemResponse[];
}
