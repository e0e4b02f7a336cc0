import { ApiProperty } from '@nestjs/swagger';

/** Body of `POST /api/sessions/token`. */
export class HandOverDto {
  @ApiProperty({ description: 'That the browser brought to the command line; good once.' })
  code!: string;

  @ApiProperty({ description: 'The secret behind `cli_challenge`.' })
  verifier!: string;
}
