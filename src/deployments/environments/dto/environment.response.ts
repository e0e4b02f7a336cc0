import { ApiProperty } from '@nestjs/swagger';
import { ROLES } from '../../../auth/policy/policy.js';
import { type Environment, NO_LIMITS, type People } from '../../../environments/environment.js';
import { DeploymentReasonResponse } from '../../dto/deployment.response.js';
import {
  type Deployment,
  DEPLOYMENT_KINDS,
  type Release,
  type Service,
} from '../../record/deployment.js';

const date = { type: String, format: 'date-time' } as const;
const nullableText = { type: String, nullable: true } as const;

export class PeopleResponse {
  @ApiProperty({ type: [String], example: ['ada'], description: 'Log-in names, as of now.' })
  users!: string[];

  @ApiProperty({ enum: ROLES, isArray: true })
  roles!: string[];
}

/** A deployment that waits or runs. */
export class WaitingDeploymentResponse {
  @ApiProperty({ format: 'uuid' })
  deployment_id!: string;

  @ApiProperty({ enum: DEPLOYMENT_KINDS })
  kind!: string;

  @ApiProperty({ enum: ['pending', 'waiting', 'running'] })
  status!: string;

  @ApiProperty({ type: DeploymentReasonResponse, nullable: true })
  reason!: DeploymentReasonResponse | null;

  @ApiProperty(nullableText)
  commit!: string | null;

  @ApiProperty({ example: 'ada' })
  triggered_by!: string;

  @ApiProperty(date)
  created_at!: Date;
}

/** What runs under one name. */
export class EnvironmentServiceResponse {
  @ApiProperty({ example: 'shop' })
  name!: string;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 3,
    description: 'null: nothing has served.',
  })
  release!: number | null;

  @ApiProperty(nullableText)
  commit!: string | null;

  @ApiProperty({ ...date, nullable: true, description: 'Since when this release serves.' })
  since!: Date | null;

  @ApiProperty({ ...nullableText, format: 'uuid', description: 'That made it serve.' })
  deployment_id!: string | null;

  @ApiProperty({
    type: [WaitingDeploymentResponse],
    description: 'What is to come, the oldest first.',
  })
  waiting!: WaitingDeploymentResponse[];
}

/** An environment and what holds there. */
export class EnvironmentResponse {
  @ApiProperty({ example: 'production' })
  name!: string;

  @ApiProperty({ description: 'False: nobody has configured it, and it has no limits.' })
  configured!: boolean;

  @ApiProperty({
    type: PeopleResponse,
    nullable: true,
    description: 'Who may deploy, promote and roll back; null: all who may deploy at all.',
  })
  deployers!: PeopleResponse | null;

  @ApiProperty({ type: PeopleResponse })
  approvers!: PeopleResponse;

  @ApiProperty({ type: 'integer', example: 1, description: 'Approvals that a deployment needs.' })
  required!: number;

  @ApiProperty({
    type: 'integer',
    example: 0,
    description: 'Seconds until a deployment may begin.',
  })
  wait!: number;

  @ApiProperty({ type: [String], nullable: true, example: ['main'] })
  branches!: string[] | null;

  @ApiProperty()
  allow_self!: boolean;

  @ApiProperty({ ...date, nullable: true })
  updated_at!: Date | null;

  @ApiProperty({ ...nullableText, example: 'token' })
  updated_by!: string | null;
}

/** One environment, with what is in it. */
export class EnvironmentPageResponse extends EnvironmentResponse {
  @ApiProperty({ type: [EnvironmentServiceResponse], description: 'At most 500, by their names.' })
  services!: EnvironmentServiceResponse[];
}

export interface EnvironmentView {
  readonly name: string;
  /** Undefined: nobody has configured it. */
  readonly configured: Environment | undefined;
}

export interface EnvironmentPage extends EnvironmentView {
  readonly services: readonly {
    readonly service: Service;
    readonly release: Release | undefined;
    readonly waiting: readonly Deployment[];
  }[];
}

export function environmentResponse({ name, configured }: EnvironmentView): EnvironmentResponse {
  const { deployers, approvers, required, wait, branches, allow_self } = configured ?? NO_LIMITS;
  return {
    ...{ name, configured: configured !== undefined },
    deployers: deployers && peopleResponse(deployers),
    approvers: peopleResponse(approvers),
    ...{ required, wait, branches: branches && [...branches], allow_self },
    updated_at: configured?.updated_at ?? null,
    updated_by: configured?.updated_by ?? null,
  };
}

export function environmentPageResponse(page: EnvironmentPage): EnvironmentPageResponse {
  return {
    ...environmentResponse(page),
    services: page.services.map(({ service, release, waiting }) => ({
      name: service.name,
      release: release?.number ?? null,
      commit: release?.commit ?? null,
      since: release === undefined ? null : service.updated_at,
      deployment_id: service.deployment_id,
      waiting: waiting.map(waitingResponse),
    })),
  };
}

export function peopleResponse({ users, roles }: People): PeopleResponse {
  return { users: users.map(({ login }) => login), roles: [...roles] };
}

function waitingResponse(deployment: Deployment): WaitingDeploymentResponse {
  const { _id, kind, status, reason, commit, triggered_by, created_at } = deployment;
  return { deployment_id: _id, kind, status, reason, commit, triggered_by, created_at };
}
