import { ApiProperty } from '@nestjs/swagger';

/** Body of `POST /api/sessions/refresh`. */
export class RefreshDto {
  @ApiProperty({ maxLength: 200 })
  refresh_token!: string;
}
