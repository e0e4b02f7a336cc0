import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Matches, Max, MaxLength, Min, ValidateIf } from 'class-validator';
import { MayBeAbsent } from '../../../common/http/may-be-absent.decorator.js';

const BASE64URL_SHA256 = /^[A-Za-z0-9_-]{43}$/;

/** `GET /api/sessions/oauth/:provider`. */
export class BeginLoginQuery {
  @ApiPropertyOptional({
    example: '/api/docs',
    maxLength: 1000,
    description: 'Path of this server that the browser is led to at the end.',
  })
  @MayBeAbsent()
  @IsString()
  @MaxLength(1000)
  return_to?: string;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1024,
    maximum: 65535,
    description:
      'A command line waits on this port of 127.0.0.1: it gets a code, for `POST /api/sessions/token`. Needs `cli_challenge` and `cli_state`.',
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1024)
  @Max(65_535)
  cli_port?: number;

  @ApiPropertyOptional({ description: 'SHA-256 of the secret of the command line, in base64url.' })
  @ValidateIf(needed)
  @Matches(BASE64URL_SHA256, { message: 'cli_challenge must be a SHA-256 in base64url' })
  cli_challenge?: string;

  @ApiPropertyOptional({ description: 'Given back to the command line.' })
  @ValidateIf(needed)
  @Matches(/^[A-Za-z0-9_-]{1,100}$/, { message: 'cli_state must be 1 to 100 letters and digits' })
  cli_state?: string;
}

function needed({ cli_port, cli_challenge, cli_state }: BeginLoginQuery): boolean {
  return [cli_port, cli_challenge, cli_state].some((each) => each !== undefined);
}
