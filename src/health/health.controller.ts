import { Controller, Get, Res } from '@nestjs/common';
import {
  ApiExtraModels,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Public } from '../auth/policy/public.decorator.js';
import { packageVersion } from '../config/paths.js';
import { CheckResponse, HealthResponse, LiveResponse } from './dto/health.response.js';
import { HealthService } from './health.service.js';

@ApiTags('health')
@ApiExtraModels(CheckResponse)
@Public()
@Controller()
export class HealthController {
  private readonly version = packageVersion();

  constructor(private readonly health: HealthService) {}

  @Get('healthchecker')
  @ApiOperation({
    summary: 'Health of every part',
    description:
      '503 when the API cannot serve; a part that it can do without makes it `degraded`.',
  })
  @ApiOkResponse({ type: HealthResponse })
  @ApiServiceUnavailableResponse({ type: HealthResponse })
  async check(@Res({ passthrough: true }) response: Response): Promise<HealthResponse> {
    return this.answer(response);
  }

  @Get('health/live')
  @ApiOperation({ summary: 'Is the process alive? Restart it when this does not answer.' })
  @ApiOkResponse({ type: LiveResponse })
  live(): LiveResponse {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @ApiOperation({ summary: 'Can it serve? Send it no requests while this is 503.' })
  @ApiOkResponse({ type: HealthResponse })
  @ApiServiceUnavailableResponse({ type: HealthResponse })
  async ready(@Res({ passthrough: true }) response: Response): Promise<HealthResponse> {
    return this.answer(response);
  }

  private async answer(response: Response): Promise<HealthResponse> {
    const { status, message, checks } = await this.health.report();
    response.setHeader('Cache-Control', 'no-store');
    response.status(status === 'down' ? 503 : 200);
    return {
      status,
      message,
      timestamp: new Date().toISOString(),
      version: this.version,
      checks,
    };
  }
}
