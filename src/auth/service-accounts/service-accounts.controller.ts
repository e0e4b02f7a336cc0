import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { notFound } from '../../common/errors/millrace.error.js';
import { Audited } from '../../common/audit/audited.decorator.js';
import {
  ApiErrors,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { Requires } from '../policy/requires.decorator.js';
import { CurrentPrincipal } from '../principals/current-principal.decorator.js';
import type { Principal } from '../principals/principal.js';
import { CreateServiceAccountDto } from './dto/create-service-account.dto.js';
import { serviceAccountResponse, ServiceAccountResponse } from './dto/service-account.response.js';
import { ServiceAccountsService, nameTaken } from './service-accounts.service.js';

@ApiTags('service accounts')
@ApiBearerAuth()
@Controller('service-accounts')
export class ServiceAccountsController {
  constructor(private readonly accounts: ServiceAccountsService) {}

  @Post()
  @Requires('service_accounts:write')
  @Audited('service_accounts.create', 'service_account')
  @BodyExample({ name: 'deploy-bot', description: 'Deploys the shop' })
  @ApiOperation({ summary: 'Make an account for a program' })
  @ApiCreatedResponse({ type: ServiceAccountResponse })
  @ApiErrors(400, 401, nameTaken('deploy-bot'), 413, 415, 503)
  async create(
    @Body() { name, description }: CreateServiceAccountDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ServiceAccountResponse> {
    const account = await this.accounts.create(name, description ?? '', principal.id);
    return serviceAccountResponse(account);
  }

  @Get()
  @Requires('service_accounts:read')
  @ApiOperation({ summary: 'Accounts of programs' })
  @ApiPage(ServiceAccountResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: PageQuery): Promise<PageBody<ServiceAccountResponse>> {
    const page = await this.accounts.list(pageRequest(query));
    return pageBody({ ...page, items: page.items.map(serviceAccountResponse) });
  }

  @Get(':id')
  @Requires('service_accounts:read')
  @ApiOperation({ summary: 'An account of a program' })
  @ApiOkResponse({ type: ServiceAccountResponse })
  @ApiErrors(400, 401, notFound('service account', EXAMPLE_ID), 503)
  async get(@Param('id', UuidPipe) id: string): Promise<ServiceAccountResponse> {
    return serviceAccountResponse(await this.accounts.get(id));
  }

  @Delete(':id')
  @Requires('service_accounts:write')
  @Audited('service_accounts.delete', 'service_account')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove an account of a program, and with it all of its tokens' })
  @ApiNoContentResponse()
  @ApiErrors(400, 401, notFound('service account', EXAMPLE_ID), 503)
  async remove(
    @Param('id', UuidPipe) id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<void> {
    await this.accounts.remove(id, principal.id);
  }
}
