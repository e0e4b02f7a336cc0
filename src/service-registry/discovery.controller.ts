import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/policy/requires.decorator.js';
import { ApiErrors } from '../common/http/api-documentation.js';
import { validationError, notFound } from '../common/errors/millrace.error.js';
import { isServiceName } from '../engine/steps/deploy/service-name.js';
import { discoveryResponse, DiscoveryResponse } from './dto/discovery.response.js';
import { DiscoveryQuery } from './dto/service.query.js';
import { ServicesService, noEndpointPasses } from './services.service.js';

@ApiTags('services')
@ApiBearerAuth()
@Controller('discovery')
export class DiscoveryController {
  constructor(private readonly services: ServicesService) {}

  @Get(':name')
  @Requires('services:read')
  @ApiOperation({
    summary: 'Where a service answers now',
    description: 'Only endpoints that pass. None: 503 with the reason, never an old address.',
  })
  @ApiOkResponse({ type: DiscoveryResponse })
  @ApiErrors(
    400,
    401,
    notFound('service', 'default/shop'),
    noEndpointPasses('default/shop', 'failed', 'no_endpoints', 'it has none'),
    503,
  )
  async discover(
    @Param('name') name: string,
    @Query() { environment = 'default' }: DiscoveryQuery,
  ): Promise<DiscoveryResponse> {
    if (!isServiceName(name)) {
      throw validationError('name is no name of a service.', {
        details: [{ path: 'name', code: 'service', message: 'name must be such as shop' }],
        suggestions: ['The list of services shows what there is.'],
      });
    }
    return discoveryResponse(await this.services.discover(environment, name));
  }
}
