import { Controller, Get, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Requires } from '../auth/policy/requires.decorator.js';
import { validationError } from '../common/errors/millrace.error.js';
import { ApiErrors, ApiPage } from '../common/http/api-documentation.js';
import { invalidCursor, type PageBody, pageBody, pageRequest } from '../common/http/paging.js';
import type { ChainEnd } from './audit-record.js';
import { AuditStore, type AuditFilter } from './audit-store.js';
import { AuditVerifier } from './audit-verifier.js';
import { AuditQuery, VerifyQuery } from './dto/audit.query.js';
import {
  auditRecordResponse,
  AuditRecordResponse,
  verificationResponse,
  VerificationResponse,
} from './dto/audit.response.js';

/** Records of one look at the chain: a second or so. */
const VERIFY_LIMIT = 50_000;

@ApiTags('audit')
@ApiBearerAuth()
@Controller('audit')
export class AuditController {
  constructor(
    private readonly store: AuditStore,
    private readonly verifier: AuditVerifier,
  ) {}

  @Get()
  @Requires('audit:read')
  @ApiOperation({ summary: 'Who did what, newest first' })
  @ApiPage(AuditRecordResponse)
  @ApiErrors(400, 401, 503)
  async list(@Query() query: AuditQuery): Promise<PageBody<AuditRecordResponse>> {
    const { limit, after } = pageRequest(query);
    const page = await this.store.search(filterOf(query), {
      limit,
      ...(after !== undefined && { before: numberOf(after) }),
    });
    return pageBody({ ...page, items: page.items.map(auditRecordResponse) });
  }

  @Get('verify')
  @Requires('audit:read')
  @ApiOperation({
    summary: 'Whether the records are as they were stored, and none is missing',
    description: `Names the first one that is not. Looks at ${String(VERIFY_LIMIT)} records at most.`,
  })
  @ApiOkResponse({ type: VerificationResponse })
  @ApiErrors(400, 401, 503)
  async verify(@Query() query: VerifyQuery): Promise<VerificationResponse> {
    return verificationResponse(await this.verifier.verify(VERIFY_LIMIT, sinceOf(query)));
  }
}

function filterOf({ actor, action, target, outcome, from, to }: AuditQuery): AuditFilter {
  return {
    ...(actor !== undefined && { actor }),
    ...(action !== undefined && { action }),
    ...(target !== undefined && { target }),
    ...(outcome !== undefined && { outcome }),
    ...(from !== undefined && { from: new Date(from) }),
    ...(to !== undefined && { to: new Date(to) }),
  };
}

function numberOf(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor)) throw invalidCursor();
  return Number(cursor);
}

function sinceOf({ since_seq: seq, since_hash: hash }: VerifyQuery): ChainEnd | undefined {
  if (seq === undefined && hash === undefined) return undefined;
  if (seq !== undefined && hash !== undefined) return { seq, hash };
  throw validationError('A record is named by its number and its hash.', {
    suggestions: ['Send both since_seq and since_hash, or neither.'],
  });
}
