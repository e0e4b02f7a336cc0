import { Body, Controller, Delete, Get, Put } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentActor } from '../auth/current-actor.decorator.js';
import { ApiErrors } from '../common/http/api-documentation.js';
import type { Actor } from '../common/http/request-context.js';
import { LogLevelDto, SetLogLevelDto } from './dto/log-level.dto.js';
import { LogLevelService } from './log-level.service.js';

const DEFAULT_SECONDS = 900;

@ApiTags('health')
@ApiBearerAuth()
@Controller('log-level')
export class LogLevelController {
  constructor(private readonly levels: LogLevelService) {}

  @Get()
  @ApiOperation({ summary: "How much the server's own log says" })
  @ApiOkResponse({ type: LogLevelDto })
  @ApiErrors(401)
  get(): LogLevelDto {
    return LogLevelDto.from(this.levels.state());
  }

  @Put()
  @ApiOperation({
    summary: 'Set the level of all processes for a time',
    description: 'Of every API and worker, those too that start meanwhile.',
  })
  @ApiOkResponse({ type: LogLevelDto })
  @ApiErrors(400, 401, 413, 415, 503)
  async set(@Body() body: SetLogLevelDto, @CurrentActor() actor: Actor): Promise<LogLevelDto> {
    const { level, for_seconds = DEFAULT_SECONDS, reason } = body;
    return LogLevelDto.from(await this.levels.set(level, for_seconds, actor.id, reason));
  }

  @Delete()
  @ApiOperation({ summary: 'Let all processes log again as LOG_LEVEL says' })
  @ApiOkResponse({ type: LogLevelDto })
  @ApiErrors(401, 503)
  async reset(): Promise<LogLevelDto> {
    return LogLevelDto.from(await this.levels.reset());
  }
}
