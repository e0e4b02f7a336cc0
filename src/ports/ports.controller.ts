import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/policy/requires.decorator.js';
import { ApiErrors } from '../common/http/api-documentation.js';
import { PageQuery, pageRequest } from '../common/http/paging.js';
import { portsResponse, PortsResponse } from './dto/ports.response.js';
import { PortsService } from './ports.service.js';

@ApiTags('ports')
@ApiBearerAuth()
@Controller('ports')
export class PortsController {
  constructor(private readonly ports: PortsService) {}

  @Get()
  @Requires('ports:read')
  @ApiOperation({ summary: 'Ports of hosts that are leased to what is deployed' })
  @ApiOkResponse({ type: PortsResponse })
  @ApiErrors(400, 401, 503)
  async list(@Query() query: PageQuery): Promise<PortsResponse> {
    return portsResponse(await this.ports.view(pageRequest(query)));
  }
}
