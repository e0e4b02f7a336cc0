import { Body, Controller, Delete, Get, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/policy/requires.decorator.js';
import { CurrentPrincipal } from '../auth/principals/current-principal.decorator.js';
import type { Principal } from '../auth/principals/principal.js';
import { Audited } from '../common/audit/audited.decorator.js';
import { ApiErrors, BodyExample } from '../common/http/api-documentation.js';
import { LogLevelDto, SetLogLevelDto } from './dto/log-level.dto.js';
import { LogLevelService } from './log-level.service.js';

const DEFAULT_SECONDS = 900;

@ApiTags('health')
@ApiBearerAuth()
@Controller('log-level')
export class LogLevelController {
  constructor(private readonly levels: LogLevelService) {}

  @Get()
  @Requires('log_level:read')
  @ApiOperation({ summary: "How much the server's own log says" })
  @ApiOkResponse({ type: LogLevelDto })
  @ApiErrors(401)
  get(): LogLevelDto {
    return LogLevelDto.from(this.levels.state());
  }

  @Put()
  @Requires('log_level:write')
  // Not before the answer: the level is set most of all while the database is away.
  @Audited('log_level.set', 'log_level', {
    recordedBy: 'later',
    details: ({ body }) => ({ level: body('level'), for_seconds: body('for_seconds') }),
  })
  @BodyExample({ level: 'debug', for_seconds: 600, reason: 'clones hang since noon' })
  @ApiOperation({
    summary: 'Set the level of all processes for a time',
    description: 'Of every API and worker, those too that start meanwhile.',
  })
  @ApiOkResponse({ type: LogLevelDto })
  @ApiErrors(400, 401, 413, 415, 503)
  async set(
    @Body() body: SetLogLevelDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<LogLevelDto> {
    const { level, for_seconds = DEFAULT_SECONDS, reason } = body;
    return LogLevelDto.from(await this.levels.set(level, for_seconds, principal.id, reason));
  }

  @Delete()
  @Requires('log_level:write')
  @Audited('log_level.reset', 'log_level', { recordedBy: 'later' })
  @ApiOperation({ summary: 'Let all processes log again as LOG_LEVEL says' })
  @ApiOkResponse({ type: LogLevelDto })
  @ApiErrors(401, 503)
  async reset(): Promise<LogLevelDto> {
    return LogLevelDto.from(await this.levels.reset());
  }
}
