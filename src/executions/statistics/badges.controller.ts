import { Controller, Get, Param, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiProduces,
  ApiResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { PublicIf } from '../../auth/policy/public.decorator.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { ApiErrors } from '../../common/http/api-documentation.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { drawBadge } from './badge.js';
import { BadgesService } from './badges.service.js';
import { BadgeQuery } from './dto/badge.query.js';

const DEFAULT_LABEL = 'build';

@ApiTags('pipelines')
@ApiBearerAuth()
@Controller('badges')
export class BadgesController {
  constructor(private readonly badges: BadgesService) {}

  @Get(':pipeline_id.svg')
  @Requires('pipelines:read')
  @PublicIf({
    when: 'with PUBLIC_BADGES=true',
    isOpen: (_request, { publicBadges }) => publicBadges,
  })
  @ApiOperation({
    summary: 'Status badge, as SVG',
    description:
      'How the newest finished execution ended. An id that is not known gives a grey badge `unknown`. With PUBLIC_BADGES=true no token is needed.',
  })
  @ApiParam({ name: 'pipeline_id', schema: { type: 'string' } })
  @ApiProduces('image/svg+xml')
  @ApiOkResponse({ description: 'The badge.', schema: { type: 'string' } })
  @ApiResponse({ status: 304, description: 'It is what `If-None-Match` names.' })
  @ApiErrors(400, 401, 503)
  async get(
    @Param('pipeline_id') id: string,
    @Query() { branch, label = DEFAULT_LABEL }: BadgeQuery,
    @Req() request: MillraceRequest,
    @Res() response: Response,
  ): Promise<void> {
    const { svg, tag } = drawBadge(label, await this.badges.stateOf(id, branch));
    response.setHeader('Cache-Control', 'no-cache');
    response.setHeader('ETag', tag);
    // Pages of other origins show badges; everything else of this server is for its own pages.
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    if (isKnown(tag, request.headers['if-none-match'])) response.status(304).end();
    else response.type('image/svg+xml').send(svg);
  }
}

/** Our tags hold no comma. Proxies may have made them weak. */
function isKnown(tag: string, ifNoneMatch: string | undefined): boolean {
  const known = ifNoneMatch?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  return known.includes(tag) || known.includes('*');
}
