import { ApiProperty } from '@nestjs/swagger';
import { LOGIN_FORGES } from '../../../config/login-values.js';

/** How people log in. */
export class LogInsResponse {
  @ApiProperty({
    enum: LOGIN_FORGES,
    isArray: true,
    description: 'Providers for `/api/sessions/oauth/:provider`; empty: nobody logs in here.',
  })
  providers!: readonly string[];
}
