import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpStatus,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiBody,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { notFound } from '../common/errors/millrace.error.js';
import { Requires } from '../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../auth/principals/current-principal.decorator.js';
import type { Principal } from '../auth/principals/principal.js';
import { Audited, type AuditFacts } from '../common/audit/audited.decorator.js';
import { changedValue } from '../common/audit/changed.js';
import { ApiErrors, ApiPage, EXAMPLE_ID, BodyExample } from '../common/http/api-documentation.js';
import { SaysSomethingPipe } from '../common/http/says-something.pipe.js';
import { type PageBody, pageBody, pageRequest } from '../common/http/paging.js';
import {
  ChangeServiceDto,
  DEFAULT_TTL_SECONDS,
  HeartbeatDto,
  RegisterServiceDto,
} from './dto/service.dto.js';
import { LogQuery, ServiceQuery, USUAL_LINES } from './dto/service.query.js';
import { RemovalPlanResponse, removalPlanResponse } from './dto/removal-plan.response.js';
import { serviceLogResponse, ServiceLogResponse } from './dto/service-log.response.js';
import { RemovalResponse, serviceResponse, ServiceResponse } from './dto/service.response.js';
import { HealthQuery, serviceHealthResponse, ServiceHealthResponse } from './dto/service-health.js';
import { InstanceDeploymentResponse, StopServiceDto } from './dto/instance-request.dto.js';
import { BeginMaintenanceDto } from './dto/maintenance.dto.js';
import { noInstance, ServiceLogs } from './logs/service-logs.service.js';
import { MaintenanceService, maintenanceChanging } from './maintenance.service.js';
import { ServiceHealthService } from './service-health.service.js';
import { ServiceIdPipe } from './service-id.pipe.js';
import type { AskedSettings } from './service-settings.js';
import {
  type ServiceName,
  ServicesService,
  addressRefused,
  notRunHere,
  serviceTaken,
} from './services.service.js';
import { AddressRefusedError } from '../common/net/address-policy.js';

const DEFAULT_ENVIRONMENT = 'default';

const ENVIRONMENT = {
  details: ({ answer }: Pick<AuditFacts, 'answer'>) => ({ environment: answer('environment') }),
};

const ID = {
  name: 'id',
  description: 'Its UUID, or `environment%2Fname`.',
  schema: { type: 'string' as const, example: 'production%2Fshop' },
};

const EXAMPLE_REFUSAL = new AddressRefusedError({
  ...{ host: '10.0.0.5', address: '10.0.0.5', kind: 'private' },
});

@ApiTags('services')
@ApiBearerAuth()
@Controller('services')
export class ServicesController {
  constructor(
    private readonly services: ServicesService,
    private readonly history: ServiceHealthService,
    private readonly maintenance: MaintenanceService,
    private readonly logs: ServiceLogs,
  ) {}

  @Get()
  @Requires('services:read')
  @ApiOperation({ summary: 'What was deployed or registered, by environment and name' })
  @ApiPage(ServiceResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: ServiceQuery): Promise<PageBody<ServiceResponse>> {
    const page = await this.services.list(query, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(serviceResponse) });
  }

  @Post()
  @Requires('services:register')
  @Audited('services.register', 'service', ENVIRONMENT)
  @BodyExample({
    name: 'shop',
    environment: 'production',
    endpoints: ['https://shop.example/healthz'],
  })
  @ApiOperation({
    summary: 'Register a service that Millrace has not deployed',
    description:
      'Its endpoints are asked from where the API runs; private addresses only where ALLOW_PRIVATE_URLS has them.',
  })
  @ApiCreatedResponse({ type: ServiceResponse })
  @ApiErrors(
    400,
    401,
    serviceTaken('production/shop', 'registered'),
    413,
    415,
    addressRefused('10.0.0.5', EXAMPLE_REFUSAL.message),
    503,
  )
  async register(
    @Body() body: RegisterServiceDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ServiceResponse> {
    const { name, environment = DEFAULT_ENVIRONMENT } = body;
    const self = { name, environment };
    return serviceResponse(await this.services.register(self, askedSettings(body), principal.id));
  }

  @Get(':id')
  @Requires('services:read')
  @ApiParam(ID)
  @ApiOperation({ summary: 'A service: its state, and why it is so' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 503)
  async get(@Param('id', ServiceIdPipe) id: ServiceName): Promise<ServiceResponse> {
    return serviceResponse(await this.services.get(id));
  }

  @Get(':id/health')
  @Requires('services:read')
  @ApiParam(ID)
  @ApiOperation({
    summary: 'How a service was: its changes, the newest first, and what was seen of it',
    description:
      'Rows are kept for a day (`raw`), a week (`minute`) and a year (`hour`). The newest five minutes may not be there yet; time without rows was not observed.',
  })
  @ApiOkResponse({ type: ServiceHealthResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 503)
  async health(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Query() query: HealthQuery,
  ): Promise<ServiceHealthResponse> {
    const { resolution = 'minute', from, until } = query;
    const asked = { resolution, from, until };
    return serviceHealthResponse(await this.history.get(id, asked, pageRequest(query)));
  }

  @Get(':id/logs')
  @Requires('services:read')
  @ApiParam(ID)
  @ApiOperation({
    summary: 'What the instance that serves has said last',
    description: 'A worker of its host reads it; none there: 503.',
  })
  @ApiOkResponse({ type: ServiceLogResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), noInstance('production/shop'), 503)
  async log(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Query() { lines = USUAL_LINES }: LogQuery,
  ): Promise<ServiceLogResponse> {
    return serviceLogResponse(await this.logs.last(id, lines));
  }

  @Get(':id/removal')
  @Requires('services:read')
  @ApiParam(ID)
  @ApiOperation({
    summary: 'What the removal of a service would take away',
    description:
      'Its releases, folders, instances, images, ports and routes, by the record. Nothing is changed; what applications have written stays in any case.',
  })
  @ApiOkResponse({ type: RemovalPlanResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 503)
  async planRemoval(@Param('id', ServiceIdPipe) id: ServiceName): Promise<RemovalPlanResponse> {
    return removalPlanResponse(await this.services.planRemoval(id));
  }

  @Patch(':id')
  @Requires('services:register')
  @Audited('services.change', 'service', ENVIRONMENT)
  @ApiParam(ID)
  @BodyExample({ tags: ['web', 'team:shop'] })
  @ApiOperation({ summary: 'Change what is registered of a service; what is not named stays' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiErrors(
    400,
    401,
    403,
    notFound('service', EXAMPLE_ID),
    413,
    415,
    addressRefused('10.0.0.5', EXAMPLE_REFUSAL.message),
    503,
  )
  async change(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Body(SaysSomethingPipe) body: ChangeServiceDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ServiceResponse> {
    return serviceResponse(await this.services.change(id, askedSettings(body), principal));
  }

  @Delete(':id')
  @Requires('services:register')
  @Audited('services.remove', 'service')
  @HttpCode(204)
  @ApiParam(ID)
  @ApiOperation({
    summary: 'Remove a service, with its history',
    description:
      'One that was deployed goes with its releases, instances, ports and routes, by a deployment of the kind `remove`; that takes the scope `deployments:deploy`, and a deployer of its environment. What applications have written stays.',
  })
  @ApiNoContentResponse({ description: 'It was registered, and is removed' })
  @ApiAcceptedResponse({
    type: RemovalResponse,
    description: 'It was deployed, and is being removed',
  })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 503)
  async remove(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<RemovalResponse | undefined> {
    const deployment_id = await this.services.remove(id, principal);
    if (deployment_id === undefined) return undefined;
    response.status(HttpStatus.ACCEPTED);
    return { deployment_id };
  }

  @Post(':id/stop')
  @Requires('deployments:deploy')
  @Audited('services.stop', 'service', {
    details: ({ body }) => ({ reason: body('reason') }),
  })
  @HttpCode(202)
  @ApiParam(ID)
  @BodyExample({ reason: 'its disk is moved' })
  @ApiOperation({
    summary: 'Stop what was deployed; its release stays',
    description:
      'By a deployment of the kind `stop`, in the line of the service: its route answers 503, what has begun has its drain, then its instance is ended. Nothing runs it again before it is started or deployed. One that is stopped already stays so.',
  })
  @ApiBody({ type: StopServiceDto, required: false })
  @ApiAcceptedResponse({ type: InstanceDeploymentResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), notRunHere('default/shop'), 413, 415, 503)
  async stop(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Body() body: StopServiceDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<InstanceDeploymentResponse> {
    const { reason } = body ?? {};
    return { deployment_id: await this.services.askInstance(id, 'stop', principal, reason) };
  }

  @Post(':id/start')
  @Requires('deployments:deploy')
  @Audited('services.start', 'service')
  @HttpCode(202)
  @ApiParam(ID)
  @ApiOperation({
    summary: 'Start a service that was stopped: the same release serves again',
    description:
      'By a deployment of the kind `start`: an instance is started, must pass its gate, and is switched to. One that does not pass leaves the service stopped.',
  })
  @ApiAcceptedResponse({ type: InstanceDeploymentResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), notRunHere('default/shop'), 503)
  async start(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @CurrentPrincipal() principal: Principal,
  ): Promise<InstanceDeploymentResponse> {
    return { deployment_id: await this.services.askInstance(id, 'start', principal) };
  }

  @Post(':id/restart')
  @Requires('deployments:deploy')
  @Audited('services.restart', 'service')
  @HttpCode(202)
  @ApiParam(ID)
  @ApiOperation({
    summary: 'Let another instance of the same release take the place of the one that serves',
    description:
      'By a deployment of the kind `restart`: it is started beside the one that serves, must pass its gate, and is switched to; then the other one has its drain. No request is lost.',
  })
  @ApiAcceptedResponse({ type: InstanceDeploymentResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), notRunHere('default/shop'), 503)
  async restart(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @CurrentPrincipal() principal: Principal,
  ): Promise<InstanceDeploymentResponse> {
    return { deployment_id: await this.services.askInstance(id, 'restart', principal) };
  }

  @Post(':id/maintenance')
  @Requires('services:register')
  @Audited('services.maintain', 'service', {
    details: ({ answer, body }) => ({ ...ENVIRONMENT.details({ answer }), reason: body('reason') }),
  })
  @HttpCode(200)
  @ApiParam(ID)
  @BodyExample({ minutes: 30, reason: 'a new disk' })
  @ApiOperation({
    summary: 'Begin a maintenance window now; one that is open ends',
    description:
      'No alert is sent of what happens within it. When it is over, alerts tell what is different then.',
  })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiErrors(
    400,
    401,
    notFound('service', EXAMPLE_ID),
    maintenanceChanging('production/shop'),
    413,
    415,
    503,
  )
  async maintain(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Body() body: BeginMaintenanceDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ServiceResponse> {
    const { until, minutes, reason } = body;
    return serviceResponse(
      await this.maintenance.begin(id, { until, minutes, reason }, principal.id),
    );
  }

  @Delete(':id/maintenance')
  @Requires('services:register')
  @Audited('services.end_maintenance', 'service', ENVIRONMENT)
  @ApiParam(ID)
  @ApiOperation({ summary: 'End the maintenance window that is open; nothing where there is none' })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), maintenanceChanging('production/shop'), 503)
  async endMaintenance(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ServiceResponse> {
    return serviceResponse(changedValue(await this.maintenance.end(id), response));
  }

  @Post(':id/heartbeat')
  @Requires('services:heartbeat')
  @Audited('services.heartbeat', 'service', ENVIRONMENT)
  @HttpCode(200)
  @ApiParam(ID)
  @BodyExample({ ttl_seconds: 60 })
  @ApiOperation({
    summary: 'Say that a service lives',
    description:
      'The first one of a name that is not known registers it: it is `running` for as long as they come in time.',
  })
  @ApiBody({ type: HeartbeatDto, required: false })
  @ApiOkResponse({ type: ServiceResponse })
  @ApiErrors(400, 401, notFound('service', EXAMPLE_ID), 413, 415, 503)
  async heartbeat(
    @Param('id', ServiceIdPipe) id: ServiceName,
    @Body() body: HeartbeatDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<ServiceResponse> {
    const { ttl_seconds: ttlSeconds = DEFAULT_TTL_SECONDS, endpoints = [] } = body ?? {};
    const asked = { ttlSeconds, endpoints };
    const heard = await this.services.heartbeat(id, asked, principal.id);
    return serviceResponse(changedValue(heard, response));
  }
}

function askedSettings(body: ChangeServiceDto): AskedSettings {
  const { endpoints, check, checks, tags, metadata, dependencies, ttl_seconds } = body;
  return {
    ...(endpoints !== undefined && { endpoints }),
    ...(check !== undefined && { check }),
    ...(checks !== undefined && { checks }),
    ...(tags !== undefined && { tags }),
    ...(metadata !== undefined && { metadata }),
    ...(dependencies !== undefined && { dependencies }),
    ...(ttl_seconds !== undefined && { ttl_seconds }),
  };
}
