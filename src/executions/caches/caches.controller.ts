import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiNoContentResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Audited } from '../../common/audit/audited.decorator.js';
import { Requires } from '../../auth/policy/requires.decorator.js';
import { notFound } from '../../common/errors/millrace.error.js';
import { ApiErrors, ApiPage } from '../../common/http/api-documentation.js';
import { type PageBody, pageBody, pageRequest } from '../../common/http/paging.js';
import { CacheStore } from './cache-store.js';
import { CachesRepository } from './caches.repository.js';
import { CacheQuery, cacheResponse, CacheResponse } from './dto/cache.response.js';

/** `<pipeline>-<hash>`: see `cacheId`. */
const ID = /^([0-9a-f-]{36})-([0-9a-f]{32})$/;

@ApiTags('caches')
@ApiBearerAuth()
@Controller('caches')
export class CachesController {
  constructor(
    private readonly caches: CachesRepository,
    private readonly store: CacheStore,
  ) {}

  @Get()
  @Requires('pipelines:read')
  @ApiOperation({ summary: 'Caches of pipelines: keys, sizes, and when they were used last' })
  @ApiPage(CacheResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: CacheQuery): Promise<PageBody<CacheResponse>> {
    const page = await this.caches.list(query.pipeline_id, pageRequest(query));
    return pageBody({ ...page, items: page.items.map(cacheResponse) });
  }

  @Delete(':cache')
  @Requires('pipelines:write')
  @Audited('caches.delete', 'cache')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a cache: the next run makes it again' })
  @ApiNoContentResponse()
  @ApiErrors(401, notFound('cache', 'c1b4'), 503)
  async remove(@Param('cache') id: string): Promise<void> {
    const [, pipeline = '', hash = ''] = ID.exec(id) ?? [];
    const cache = await this.caches.find(`${pipeline}/${hash}`);
    if (cache === undefined) throw notFound('cache', id.slice(0, 100));
    await this.store.drop(cache);
  }
}
