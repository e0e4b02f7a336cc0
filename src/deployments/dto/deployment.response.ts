import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { ApprovalView } from '../approvals/deployment-approvals.js';
import { DEPLOYMENT_TYPES } from '../../engine/steps/deploy/deploy-action.js';
import {
  type Deployment,
  DEPLOYMENT_PHASES,
  RELEASE_STATUSES,
  DEPLOYMENT_STATUSES,
  placed,
  type Release,
  type TargetSettings,
  DEPLOYMENT_KINDS,
} from '../record/deployment.js';
import { releasePath } from '../routes/service-route.js';
import { approvalResponse, DeploymentApprovalResponse } from './approval.response.js';

const EXAMPLE_ID = '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b';
const date = { type: String, format: 'date-time' } as const;
const nullableDate = { ...date, nullable: true } as const;
const nullableNumber = { type: Number, nullable: true } as const;
const nullableText = { type: String, nullable: true } as const;
const nullableId = { ...nullableText, format: 'uuid' } as const;

export class DeploymentReasonResponse {
  @ApiProperty({ example: 'release_serves', description: 'Stable; docs/reasons.md explains each.' })
  code!: string;

  @ApiProperty({ example: 'release 3 serves in the place of release 2' })
  message!: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  data?: Record<string, unknown>;
}

export class DeploymentPhaseResponse {
  @ApiProperty({ enum: DEPLOYMENT_PHASES })
  name!: string;

  @ApiProperty(date)
  started_at!: Date;

  @ApiProperty(nullableDate)
  finished_at!: Date | null;
}

/** What a deployment has made. */
export class DeploymentArtifactResponse {
  @ApiProperty({ example: 'release 3' })
  name!: string;

  @ApiProperty({
    example: '/srv/www/shop/releases/3',
    description:
      'On the host; of a container its image; of a program of the host its folder in MILLRACE_HOME.',
  })
  path!: string;

  @ApiProperty({
    ...nullableText,
    example: 'sha256:…',
    description: 'Over names, permissions and contents; null: not all of it is there yet.',
  })
  digest!: string | null;

  @ApiProperty({ example: 214 })
  files!: number;

  @ApiProperty({ example: 1_204_311 })
  bytes!: number;
}

/** What it puts into service. */
export class DeployedServiceResponse {
  @ApiProperty({ example: 'production/shop' })
  id!: string;

  @ApiProperty({ example: 'shop' })
  name!: string;

  @ApiProperty({ example: 'production' })
  environment!: string;
}

export class ReleaseResponse {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  id!: string;

  @ApiProperty({ example: 3, description: 'Counted for each service; never used twice.' })
  number!: number;

  @ApiProperty({ enum: RELEASE_STATUSES })
  status!: string;

  @ApiProperty(nullableText)
  digest!: string | null;

  @ApiProperty()
  files!: number;

  @ApiProperty({ description: 'Bytes of its files.' })
  bytes!: number;

  @ApiProperty({ format: 'uuid', description: 'The deployment that made it.' })
  deployment_id!: string;

  @ApiProperty(nullableId)
  execution_id!: string | null;

  @ApiProperty(nullableText)
  commit!: string | null;

  @ApiProperty(date)
  created_at!: Date;

  @ApiProperty({ ...nullableDate, description: 'When it served first; null: never.' })
  served_at!: Date | null;
}

/** A part of a unit, in its order. */
export class DeploymentPartResponse {
  @ApiProperty({ example: 'shop-api' })
  service!: string;

  @ApiProperty({ format: 'uuid', description: 'Of the part alone.' })
  deployment_id!: string;

  @ApiProperty({ enum: DEPLOYMENT_TYPES })
  deployment_type!: string;

  @ApiProperty({ enum: DEPLOYMENT_STATUSES })
  status!: string;

  @ApiProperty({ type: DeploymentReasonResponse, nullable: true })
  reason!: DeploymentReasonResponse | null;

  @ApiProperty({ ...nullableNumber, description: 'Its release, by number.' })
  release!: number | null;
}

/** What a part belongs to. */
export class DeploymentUnitResponse {
  @ApiProperty({ example: 'production/shop' })
  service_id!: string;

  @ApiProperty({ format: 'uuid' })
  deployment_id!: string;

  @ApiProperty({ description: 'The unit has failed, and what served before serves again.' })
  takes_back!: boolean;
}

export class DeploymentResponse {
  @ApiProperty({ format: 'uuid', example: EXAMPLE_ID })
  deployment_id!: string;

  @ApiProperty({ enum: DEPLOYMENT_KINDS })
  kind!: string;

  @ApiProperty({ enum: DEPLOYMENT_TYPES })
  deployment_type!: string;

  @ApiProperty({ enum: DEPLOYMENT_STATUSES })
  status!: string;

  @ApiProperty({
    type: DeploymentReasonResponse,
    nullable: true,
    description: 'Why it waits, or ended as it did.',
  })
  reason!: DeploymentReasonResponse | null;

  @ApiProperty({ example: 'production' })
  environment!: string;

  @ApiProperty({ example: 'shop' })
  service!: string;

  @ApiProperty({
    example: 'web-1',
    description:
      'Name of the host that it acts on; of one that is reached by SSH `ssh://user@host:port`.',
  })
  host!: string;

  @ApiProperty({ enum: DEPLOYMENT_PHASES, nullable: true, type: String })
  phase!: string | null;

  @ApiProperty({ type: [DeploymentPhaseResponse] })
  phases!: DeploymentPhaseResponse[];

  @ApiProperty({ type: [DeploymentReasonResponse] })
  warnings!: DeploymentReasonResponse[];

  @ApiProperty({ type: ReleaseResponse, nullable: true })
  release!: ReleaseResponse | null;

  @ApiProperty({ type: Number, nullable: true, description: 'Release that served before.' })
  previous_release!: number | null;

  @ApiProperty({ type: [DeploymentArtifactResponse] })
  artifacts!: DeploymentArtifactResponse[];

  @ApiProperty({
    type: [DeploymentPartResponse],
    description:
      'Of a unit (hybrid); parts that serve already what they should are not among them.',
  })
  parts!: DeploymentPartResponse[];

  @ApiProperty({
    type: DeploymentUnitResponse,
    nullable: true,
    description: 'The unit that it is a part of.',
  })
  unit!: DeploymentUnitResponse | null;

  @ApiProperty({ type: [DeployedServiceResponse] })
  services!: DeployedServiceResponse[];

  @ApiProperty({
    type: DeploymentApprovalResponse,
    nullable: true,
    description: 'null: its environment has asked nobody.',
  })
  approval!: DeploymentApprovalResponse | null;

  @ApiProperty({ type: [String], description: 'The last 100 lines.' })
  logs!: string[];

  @ApiProperty(nullableId)
  execution_id!: string | null;

  @ApiProperty(nullableId)
  pipeline_id!: string | null;

  @ApiProperty(nullableText)
  pipeline_name!: string | null;

  @ApiProperty(nullableText)
  stage!: string | null;

  @ApiProperty(nullableText)
  step!: string | null;

  @ApiProperty(nullableText)
  commit!: string | null;

  @ApiProperty(nullableText)
  branch!: string | null;

  @ApiProperty({ example: 'ada' })
  triggered_by!: string;

  @ApiProperty(date)
  created_at!: Date;

  @ApiProperty(nullableDate)
  started_at!: Date | null;

  @ApiProperty(nullableDate)
  finished_at!: Date | null;
}

/** A deployment with the releases that it names. */
export interface DeploymentView {
  readonly deployment: Deployment;
  readonly release: Release | undefined;
  readonly previous: Release | undefined;
  readonly approval: ApprovalView | undefined;
  /** Of a unit. */
  readonly parts: readonly PartView[];
}

export interface PartView {
  readonly deployment: Deployment;
  readonly release: Release | undefined;
}

export function deploymentResponse({
  deployment,
  release,
  previous,
  approval,
  parts,
}: DeploymentView): DeploymentResponse {
  const { _id, type, phases, warnings, logs, environment, service, service_id } = deployment;
  const { kind, status, reason, host, phase, execution_id, pipeline_id, pipeline_name } =
    deployment;
  const { stage, step, commit, branch, triggered_by } = deployment;
  const { created_at, started_at, finished_at, unit } = deployment;
  return {
    deployment_id: _id,
    ...{ kind, deployment_type: type, status, reason, environment, service, host, phase },
    phases: phases.map(({ name, started_at: from, finished_at: to }) => ({
      ...{ name, started_at: from, finished_at: to },
    })),
    warnings: [...warnings],
    release: release ? releaseResponse(release) : null,
    previous_release: previous?.number ?? null,
    artifacts: artifactsOf(release, parts),
    parts: parts.map(partResponse),
    unit: unit ? { ...unit, takes_back: unit.takes_back ?? false } : null,
    services: [
      { id: service_id, name: service, environment },
      ...parts.map((part) => ({
        id: part.deployment.service_id,
        name: part.deployment.service,
        environment,
      })),
    ],
    approval: approval ? approvalResponse(deployment, approval) : null,
    logs: [...logs],
    ...{ execution_id, pipeline_id, pipeline_name, stage, step, commit, branch, triggered_by },
    ...{ created_at, started_at, finished_at },
  };
}

export function releaseResponse(release: Release): ReleaseResponse {
  const { _id: id, number, status, digest, files, bytes, deployment_id } = release;
  const { execution_id, commit, created_at, served_at } = release;
  return {
    ...{ id, number, status, digest, files, bytes, deployment_id, execution_id, commit },
    ...{ created_at, served_at },
  };
}

function partResponse({ deployment, release }: PartView): DeploymentPartResponse {
  const { _id: deployment_id, service, type: deployment_type, status, reason } = deployment;
  return {
    ...{ service, deployment_id, deployment_type, status, reason },
    release: release?.number ?? null,
  };
}

/** Of a unit those of its parts: it has nothing else. */
function artifactsOf(
  release: Release | undefined,
  parts: readonly PartView[],
): DeploymentArtifactResponse[] {
  const own = release === undefined || release.settings.type === 'hybrid' ? [] : [release];
  const ofParts = parts.flatMap((part) => part.release ?? []);
  return [...own, ...ofParts].map((one) => artifactOf(one, ofParts.includes(one)));
}

function artifactOf(release: Release, isPart: boolean): DeploymentArtifactResponse {
  const { number, settings, digest, files, bytes, service } = placed(release);
  const name = `${isPart ? `${service} ` : ''}release ${number}`;
  return { name, path: pathOf(number, settings), digest, files, bytes };
}

function pathOf(number: number, settings: TargetSettings): string {
  switch (settings.type) {
    case 'local_directory':
      return `${settings.path.replace(/\/$/, '')}/releases/${number}`;
    case 'docker_container':
      return settings.image;
    case 'local_service':
      return releasePath(settings.service_id, number);
  }
}
