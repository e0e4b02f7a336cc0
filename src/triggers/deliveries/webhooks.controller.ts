import { Controller, HttpCode, Param, Post, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Public } from '../../auth/policy/public.decorator.js';
import { Audited } from '../../common/audit/audited.decorator.js';
import { notFound, type MillraceError } from '../../common/errors/millrace.error.js';
import { ApiErrors, BodyExample } from '../../common/http/api-documentation.js';
import { RawBody, RawBytes } from '../../common/http/raw-body.decorator.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { FORGE_KINDS } from '../../integrations/forge/forge-event.js';
import { AcceptedDeliveryResponse } from './dto/delivery.response.js';
import { FORM_TYPE } from './form-body.js';
import { DeliveryInbox, unknownCaller, unknownSender } from './delivery-inbox.js';
import { WebhookRefusals } from './webhook-refusals.js';

/** GitHub sends no more than this. */
const MAX_BODY_BYTES = 25 * 1024 * 1024;
const MAX_PIPELINE_BODY_BYTES = 1024 * 1024;
const BODY_TYPES = ['application/json', FORM_TYPE];

function noForge(name: string): MillraceError {
  return notFound('forge', name.slice(0, 40), {
    suggestions: [`Known are: ${FORGE_KINDS.join(', ')}.`],
  });
}

@ApiTags('webhooks')
@Controller()
export class WebhooksController {
  constructor(
    private readonly inbox: DeliveryInbox,
    private readonly refusals: WebhookRefusals,
  ) {}

  @Post('webhooks/:forge')
  @Public()
  @Audited('webhooks.receive', 'repository', { recordedBy: 'route' })
  @HttpCode(202)
  @RawBody({ limit: MAX_BODY_BYTES, types: BODY_TYPES })
  @BodyExample({ ref: 'refs/heads/main', repository: { id: 1, full_name: 'acme/shop' } })
  @ApiOperation({
    summary: 'Webhook of a forge, for any connected repository',
    description: `Forges: ${FORGE_KINDS.join(', ')}. Verified by signature or token; what it starts is decided after the answer.`,
  })
  @ApiAcceptedResponse({ type: AcceptedDeliveryResponse })
  @ApiErrors(unknownSender(), noForge('bitbucket'), 413, 415, 503)
  async ofForge(
    @Param('forge') name: string,
    @Req() request: MillraceRequest,
    @RawBytes() body: Buffer,
  ): Promise<AcceptedDeliveryResponse> {
    const forge = FORGE_KINDS.find((kind) => kind === name);
    if (forge === undefined) {
      throw noForge(name);
    }
    const { headers } = request;
    const receive = (): Promise<string> => this.inbox.receiveFromForge(forge, headers, body);
    return { delivery_id: await this.refusals.counted(request, receive) };
  }

  @Post('repositories/:id/webhook')
  @Public()
  @Audited('webhooks.receive', 'repository', { recordedBy: 'route' })
  @HttpCode(202)
  @RawBody({ limit: MAX_BODY_BYTES, types: BODY_TYPES })
  @BodyExample({ ref: 'refs/heads/main', repository: { id: 1, full_name: 'acme/shop' } })
  @ApiOperation({ summary: 'Webhook of one connected repository' })
  @ApiAcceptedResponse({ type: AcceptedDeliveryResponse })
  @ApiErrors(400, unknownSender(), 413, 415, 503)
  async ofRepository(
    @Param('id', UuidPipe) id: string,
    @Req() request: MillraceRequest,
    @RawBytes() body: Buffer,
  ): Promise<AcceptedDeliveryResponse> {
    const receive = (): Promise<string> => this.inbox.receiveFor(id, request.headers, body);
    return { delivery_id: await this.refusals.counted(request, receive) };
  }

  @Post('ci/pipelines/:id/webhook')
  @Public()
  @Audited('webhooks.receive', 'pipeline', { recordedBy: 'route' })
  @HttpCode(202)
  @RawBody({
    limit: MAX_PIPELINE_BODY_BYTES,
    types: BODY_TYPES,
  })
  @ApiHeader({
    name: 'X-Millrace-Signature',
    required: false,
    description:
      '`sha256=` and the HMAC-SHA256 of the body under the secret; without it the secret is the bearer token.',
  })
  @ApiHeader({
    name: 'X-Millrace-Delivery',
    required: false,
    description: 'A text of yours: the same one again is the same delivery.',
  })
  @BodyExample({ version: '1.4.0' })
  @ApiOperation({ summary: 'Webhook of one pipeline: starts what its rule `webhook` says' })
  @ApiAcceptedResponse({ type: AcceptedDeliveryResponse })
  @ApiErrors(400, unknownCaller(), 413, 415, 503)
  async ofPipeline(
    @Param('id', UuidPipe) id: string,
    @Req() request: MillraceRequest,
    @RawBytes() body: Buffer,
  ): Promise<AcceptedDeliveryResponse> {
    const { headers } = request;
    const receive = (): Promise<string> => this.inbox.receiveForPipeline(id, headers, body);
    return { delivery_id: await this.refusals.counted(request, receive) };
  }
}
