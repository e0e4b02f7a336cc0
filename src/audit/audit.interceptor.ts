import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import type { Response } from 'express';
import { mergeMap, type Observable } from 'rxjs';
import { Audit, type AuditEntry } from '../common/audit/audit.js';
import { auditedRoute, type AuditedRoute } from '../common/audit/audited.decorator.js';
import { isUnchanged } from '../common/audit/changed.js';
import { requestSource } from '../common/audit/request-source.js';
import { IDEMPOTENCY_REPLAYED_HEADER } from '../common/http/idempotency-header.js';
import type { MillraceRequest } from '../common/http/request-context.js';
import { detailsOf, routeFacts, targetOf } from './route-facts.js';

/**
 * Keeps what routes with `@Audited` have done. It stands outside of all others: what it sees is the
 * answer that is sent. An answer that is given again by an `Idempotency-Key` did nothing, nor did a
 * request for what was so before (`changedValue`).
 */
@Injectable()
export class AuditInterceptor implements NestInterceptor {
  constructor(private readonly audit: Audit) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const route = auditedRoute(context.getHandler());
    if (route === undefined || route.recordedBy === 'route') return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<MillraceRequest>();
    const response = http.getResponse<Response>();
    return next.handle().pipe(
      mergeMap(async (answer: unknown) => {
        if (response.hasHeader(IDEMPOTENCY_REPLAYED_HEADER) || isUnchanged(response)) return answer;
        const entry = successOf(route, request, answer);
        if (route.recordedBy === 'later') this.audit.note(entry);
        else await this.audit.record(entry);
        return answer;
      }),
    );
  }
}

function successOf(route: AuditedRoute, request: MillraceRequest, answer: unknown): AuditEntry {
  const facts = routeFacts(request, answer);
  return {
    ...requestSource(request),
    action: route.action,
    target: targetOf(route, facts),
    details: detailsOf(route, facts),
  };
}
