import { ApiProperty } from '@nestjs/swagger';
import type { MadePipelineWebhook } from '../pipeline-webhooks.service.js';

/** Where the webhook of a pipeline is, and its secret. */
export class PipelineWebhookResponse {
  @ApiProperty({
    type: String,
    nullable: true,
    example: 'https://ci.example.org/api/ci/pipelines/0190a0b0-0000-7000-8000-00000000000a/webhook',
    description: 'Null: set PUBLIC_URL first.',
  })
  url!: string | null;

  @ApiProperty({ description: 'Shown this once.' })
  secret!: string;
}

export function pipelineWebhookResponse({
  url,
  secret,
}: MadePipelineWebhook): PipelineWebhookResponse {
  return { url, secret };
}
