import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { notFound } from '../../common/errors/millrace.error.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { Audited } from '../../common/audit/audited.decorator.js';
import { ApiErrors, EXAMPLE_ID } from '../../common/http/api-documentation.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import {
  PipelineWebhookResponse,
  pipelineWebhookResponse,
} from './dto/pipeline-webhook.response.js';
import { PipelineWebhooks, changedByOther } from './pipeline-webhooks.service.js';

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('ci/pipelines')
export class PipelineWebhooksController {
  constructor(private readonly webhooks: PipelineWebhooks) {}

  @Post(':id/webhook-secret')
  @Requires('pipelines:write')
  @Audited('pipelines.rotate_secret', 'pipeline')
  @HttpCode(200)
  @ApiOperation({
    summary: 'A new secret for the webhook of a pipeline',
    description:
      'Shown this once, with the URL to call. One that was there is accepted until the new one was seen, a day at most.',
  })
  @ApiOkResponse({ type: PipelineWebhookResponse })
  @ApiErrors(400, 401, notFound('pipeline', EXAMPLE_ID), changedByOther(), 503)
  async makeSecret(@Param('id', UuidPipe) id: string): Promise<PipelineWebhookResponse> {
    return pipelineWebhookResponse(await this.webhooks.makeSecret(id));
  }
}
