import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsString, MaxLength, MinLength } from 'class-validator';
import { MayBeAbsent } from '../../common/http/may-be-absent.decorator.js';

const MAX_REASON = 1000;

export class RejectDto {
  @ApiPropertyOptional({
    ...{ minLength: 1, maxLength: MAX_REASON, example: 'not before the holidays' },
    description: 'Kept, and shown with the deployment.',
  })
  @MayBeAbsent()
  @IsString()
  @MinLength(1)
  @MaxLength(MAX_REASON)
  reason?: string;
}

export class ApproveDto extends RejectDto {
  @ApiPropertyOptional({
    default: false,
    description:
      'In the place of all approvals that are missing, and of the waiting time. Needs the scope `environments:write`, and a reason.',
  })
  @MayBeAbsent()
  @IsBoolean()
  override?: boolean;
}
