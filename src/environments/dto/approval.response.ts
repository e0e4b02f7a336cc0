import { ApiProperty } from '@nestjs/swagger';
import type { Approval } from '../approval.js';

const date = { type: String, format: 'date-time' } as const;

/** What somebody has said of a deployment or of a step. */
export class GivenApprovalResponse {
  @ApiProperty({ enum: ['approval', 'override', 'rejection'] })
  kind!: string;

  @ApiProperty({ description: 'Id of the account.' })
  by!: string;

  @ApiProperty({ example: 'grace' })
  login!: string;

  @ApiProperty(date)
  at!: Date;

  @ApiProperty({ type: String, nullable: true })
  reason!: string | null;

  @ApiProperty({
    description:
      'False: the account is blocked or may not approve any more, or ended its sessions.',
  })
  counts!: boolean;
}

/** How many people have to approve a deployment or a step. */
export class NeededApprovalsResponse {
  @ApiProperty({ type: 'integer' })
  required!: number;

  @ApiProperty({ type: 'integer', description: 'Approvals that are missing yet.' })
  missing!: number;
}

export function givenApprovalResponse({
  approval: { kind, by, login, at, reason },
  counts,
}: {
  readonly approval: Approval;
  readonly counts: boolean;
}): GivenApprovalResponse {
  return { kind, by, login, at, reason, counts };
}
