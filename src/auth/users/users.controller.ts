import { Body, Controller, Get, Param, Patch, Query, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { notFound } from '../../common/errors/millrace.error.js';
import { Audited } from '../../common/audit/audited.decorator.js';
import { changedValue } from '../../common/audit/changed.js';
import {
  ApiErrors,
  ApiPage,
  EXAMPLE_ID,
  BodyExample,
} from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, PageQuery, pageRequest } from '../../common/http/paging.js';
import { UuidPipe } from '../../common/http/uuid.pipe.js';
import { MillraceConfig } from '../../config/millrace-config.js';
import { Requires } from '../policy/requires.decorator.js';
import { CurrentPrincipal } from '../principals/current-principal.decorator.js';
import type { Principal } from '../principals/principal.js';
import { ChangeUserDto, userResponse, UserResponse } from './dto/user.dto.js';
import { roleOfUser } from './user-principal.js';
import type { UserDocument } from './user.schema.js';
import { UsersService, namedByConfiguration, oneself } from './users.service.js';

@ApiTags('users')
@ApiBearerAuth()
@Controller('users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly config: MillraceConfig,
  ) {}

  @Get()
  @Requires('users:read')
  @ApiOperation({ summary: 'Who has logged in' })
  @ApiPage(UserResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: PageQuery): Promise<PageBody<UserResponse>> {
    const page = await this.users.list(pageRequest(query));
    return pageBody({ ...page, items: page.items.map((user) => this.shown(user)) });
  }

  @Get(':id')
  @Requires('users:read')
  @ApiOperation({ summary: 'Somebody who has logged in' })
  @ApiOkResponse({ type: UserResponse })
  @ApiErrors(400, 401, notFound('user', EXAMPLE_ID), 503)
  async get(@Param('id', UuidPipe) id: string): Promise<UserResponse> {
    return this.shown(await this.users.get(id));
  }

  @Patch(':id')
  @Requires('users:write')
  @Audited('users.change', 'user', {
    name: ({ answer }) => answer('login'),
    details: ({ body }) => ({ role: body('role'), blocked: body('blocked') }),
  })
  @BodyExample({ role: 'developer' })
  @ApiOperation({ summary: 'Give somebody a role, block them, or let them in again' })
  @ApiOkResponse({ type: UserResponse })
  @ApiErrors(
    400,
    401,
    notFound('user', EXAMPLE_ID),
    oneself(),
    namedByConfiguration({ login: 'ada' }),
    413,
    415,
    503,
  )
  async change(
    @Param('id', UuidPipe) id: string,
    @Body() { role, blocked }: ChangeUserDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: Response,
  ): Promise<UserResponse> {
    const change = {
      ...(role !== undefined && { role }),
      ...(blocked !== undefined && { blocked }),
    };
    return this.shown(changedValue(await this.users.change(id, change, principal.id), response));
  }

  private shown(user: UserDocument): UserResponse {
    return userResponse(user, roleOfUser(user, this.config));
  }
}
