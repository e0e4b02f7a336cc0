import { Controller, Get, Query, Res } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiPropertyOptional,
  ApiTags,
} from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import type { Response } from 'express';
import { PublicIf } from '../auth/policy/public.decorator.js';
import { Requires } from '../auth/policy/requires.decorator.js';
import { ApiErrors } from '../common/http/api-documentation.js';
import { MetricsService } from './metrics.service.js';
import { isDirectFromHere } from './direct-from-here.js';
import { MayBeAbsent } from '../common/http/may-be-absent.decorator.js';

/** The version of the text format, which Prometheus wants to know. */
const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8';

export class MetricsQueryDto {
  @ApiPropertyOptional({
    enum: ['installation', 'process'],
    default: 'installation',
    description: 'process: only the API that answers, for each further one behind a load balancer.',
  })
  @MayBeAbsent()
  @IsIn(['installation', 'process'])
  scope?: 'installation' | 'process';
}

@ApiTags('health')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: MetricsService) {}

  @Get()
  @Requires('metrics:read')
  @PublicIf({ when: 'from the machine itself, past no proxy', isOpen: isDirectFromHere })
  @ApiOperation({
    summary: 'Metrics in the text format of Prometheus',
    security: [{ bearer: [] }, {}],
    description:
      'With the token, or without it from the machine itself. docs/observability.md describes every metric.',
  })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'The metrics.', schema: { type: 'string' } })
  @ApiErrors(400, 401)
  async scrape(@Query() query: MetricsQueryDto, @Res() response: Response): Promise<void> {
    const text = await (query.scope === 'process'
      ? this.metrics.process()
      : this.metrics.installation());
    response.setHeader('Content-Type', TEXT_FORMAT);
    response.setHeader('Cache-Control', 'no-store');
    response.end(text);
  }
}
