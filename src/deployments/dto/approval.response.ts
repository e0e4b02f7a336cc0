import { ApiProperty } from '@nestjs/swagger';
import { ROLES } from '../../auth/policy/policy.js';
import {
  GivenApprovalResponse,
  givenApprovalResponse,
  NeededApprovalsResponse,
} from '../../environments/dto/approval.response.js';
import type { ApprovalView } from '../approvals/deployment-approvals.js';
import type { Deployment } from '../record/deployment.js';

const date = { type: String, format: 'date-time' } as const;
const nullableText = { type: String, nullable: true } as const;

export class ApproversResponse {
  @ApiProperty({ type: [String], example: ['grace'] })
  users!: string[];

  @ApiProperty({ enum: ROLES, isArray: true })
  roles!: string[];
}

/** What the environment of a deployment asks of people, and what they have said. */
export class DeploymentApprovalResponse extends NeededApprovalsResponse {
  @ApiProperty({ enum: ['closed', 'open'], description: '`closed`: it waits.' })
  gate!: string;

  @ApiProperty({ ...date, nullable: true, description: 'It waits until then, whoever approves.' })
  waits_until!: Date | null;

  @ApiProperty({
    ...{ ...date, nullable: true },
    description:
      'Then it fails (`approval_timeout`), if it waits still; null: it waits with no execution.',
  })
  expires_at!: Date | null;

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
  { gate, cause, commit, expires_at }: Deployment,
  { rules, required, missing, waitsUntil, given }: ApprovalView,
): DeploymentApprovalResponse {
  const { users, roles } = rules.approvers;
  return {
    ...{ gate: gate ?? 'open', required, missing, waits_until: waitsUntil ?? null },
    expires_at: expires_at ?? null,
    approvers: { users: users.map(({ login }) => login), roles: [...roles] },
    given: given.map(givenApprovalResponse),
    ...{ commit, plan_hash: cause?.plan_hash ?? null },
  };
}
