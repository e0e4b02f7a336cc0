import { ApiProperty } from '@nestjs/swagger';
import { ROLES } from '../../auth/policy/policy.js';
import type { ApprovalView } from '../approvals/deployment-approvals.js';
import type { Deployment } from '../record/deployment.js';

const date = { type: String, format: 'date-time' } as const;
const nullableText = { type: String, nullable: true } as const;

export class GivenApprovalResponse {
  @ApiProperty({ enum: ['approval', 'override', 'rejection'] })
  kind!: string;

  @ApiProperty({ description: 'Id of the account.' })
  by!: string;

  @ApiProperty({ example: 'grace' })
  login!: string;

  @ApiProperty(date)
  at!: Date;

  @ApiProperty(nullableText)
  reason!: string | null;

  @ApiProperty({
    description:
      'False: the account is blocked or may not approve any more, or ended its sessions.',
  })
  counts!: boolean;
}

export class ApproversResponse {
  @ApiProperty({ type: [String], example: ['grace'] })
  users!: string[];

  @ApiProperty({ enum: ROLES, isArray: true })
  roles!: string[];
}

/** What the environment of a deployment asks of people, and what they have said. */
export class DeploymentApprovalResponse {
  @ApiProperty({ enum: ['closed', 'open'], description: '`closed`: it waits.' })
  gate!: string;

  @ApiProperty({ type: 'integer' })
  required!: number;

  @ApiProperty({ type: 'integer', description: 'Approvals that are missing yet.' })
  missing!: number;

  @ApiProperty({ ...date, nullable: true, description: 'It waits until then, whoever approves.' })
  waits_until!: Date | null;

  @ApiProperty({ type: ApproversResponse })
  approvers!: ApproversResponse;

  @ApiProperty({ type: [GivenApprovalResponse], description: 'The first one first.' })
  given!: GivenApprovalResponse[];

  @ApiProperty({ ...nullableText, description: 'What is approved, beside the deployment itself.' })
  commit!: string | null;

  @ApiProperty({ ...nullableText, description: 'Hash of the plan of the execution.' })
  plan_hash!: string | null;
}

export function approvalResponse(
  { gate, cause, commit }: Deployment,
  { rules, required, missing, waitsUntil, given }: ApprovalView,
): DeploymentApprovalResponse {
  const { users, roles } = rules.approvers;
  return {
    ...{ gate: gate ?? 'open', required, missing, waits_until: waitsUntil ?? null },
    approvers: { users: users.map(({ login }) => login), roles: [...roles] },
    given: given.map(({ approval: { kind, by, login, at, reason }, counts }) => ({
      ...{ kind, by, login, at, reason, counts },
    })),
    ...{ commit, plan_hash: cause?.plan_hash ?? null },
  };
}
