import { Catch, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { Response } from 'express';
import { MillraceError } from '../errors/millrace.error.js';
import type { Metrics } from '../metrics/metrics.js';
import { toMillraceError, type ErrorTranslator } from '../errors/to-millrace-error.js';
import type { ControllerRoute } from './controller-routes.js';
import { announcesBody } from './content-type.js';
import { closeAfterAnswer } from './close-after-answer.js';
import { errorBody } from './error-body.js';
import { errorPage, type PageAdvice } from './error-page.js';
import { isAskedForPage, PAGE_POLICY } from './html-page.js';
import type { MillraceRequest } from './request-context.js';
import type { Route, RouteTable } from './route-table.js';

/** @param route the one that was asked; undefined = there is none */
export type ErrorListener = (
  error: MillraceError,
  request: MillraceRequest,
  route: (Route & Partial<ControllerRoute>) | undefined,
) => void;

/**
 * What a page says where the error is not for people; undefined: the error says it.
 * @param address path and query that were asked for
 */
export type PageAdviser = (
  error: MillraceError,
  address: string,
  route: Partial<ControllerRoute> | undefined,
) => PageAdvice | undefined;

/** The only place where an error becomes an HTTP answer. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    private readonly routes: Pick<
      RouteTable<Route & Partial<ControllerRoute>>,
      'methodsOf' | 'takerOf'
    >,
    private readonly translators: readonly ErrorTranslator[],
    private readonly metrics: Pick<Metrics, 'errorAnswered'>,
    private readonly listener: ErrorListener = () => undefined,
    private readonly adviser: PageAdviser = () => undefined,
  ) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<MillraceRequest>();
    const response = http.getResponse<Response>();
    const { error, allow } = this.outcome(exception, request);
    this.metrics.errorAnswered(error.kind);
    const path = request.originalUrl.split('?', 1)[0] ?? '';
    const route = this.routes.takerOf(path, request.method);
    this.listener(error, request, route);

    // pino-http writes `err` into the line of the request.
    if (error.status >= 500) Object.assign(response, { err: error.cause ?? error });
    if (response.headersSent) {
      // Half an answer is out; an end that looks regular would be a lie.
      request.log.error({ err: exception }, 'failed after the answer had begun');
      response.destroy();
      return;
    }
    for (const name of ['Content-Disposition', 'Content-Range', 'ETag', 'Content-Length']) {
      response.removeHeader(name);
    }
    if (allow) response.setHeader('Allow', allow.join(', '));
    if (error.kind === 'AuthenticationError') response.setHeader('WWW-Authenticate', 'Bearer');
    if (error.retryAfterSeconds !== undefined) {
      response.setHeader('Retry-After', String(Math.max(1, Math.ceil(error.retryAfterSeconds))));
    }
    response.setHeader('Cache-Control', 'no-store');
    // Nobody reads the rest of a body that was refused; without a body the request is complete by
    // now.
    if (announcesBody(request.headers)) closeAfterAnswer(request, response);
    response.status(error.status);
    const body = errorBody(error, request.id, new Date());
    if (!isAskedForPage(request)) {
      response.json(body);
      return;
    }
    const advice = this.adviser(error, request.originalUrl, route);
    response.setHeader('Content-Security-Policy', PAGE_POLICY);
    // The address of a log-in holds its code.
    response.setHeader('Referrer-Policy', 'no-referrer');
    response
      .vary('Accept')
      .type('html')
      .send(errorPage(error, body.suggestions, request.id, advice));
  }

  private outcome(
    exception: unknown,
    request: MillraceRequest,
  ): { error: MillraceError; allow?: string[] } {
    // Our own code throws MillraceError; the framework's 404 means that no route took the request.
    if (!(exception instanceof NotFoundException)) {
      return { error: toMillraceError(exception, this.translators) };
    }
    const path = request.originalUrl.split('?', 1)[0] ?? '';
    const allow = this.routes.methodsOf(path);
    if (allow.length === 0 || allow.includes(request.method)) {
      return {
        error: new MillraceError('NotFoundError', 'There is nothing at this path.', {
          details: { method: request.method, path: path.slice(0, 200) },
          suggestions: ['Check the path; /api/docs lists every one.'],
        }),
      };
    }
    return {
      allow,
      error: new MillraceError('MethodNotAllowedError', 'This path does not take this method.', {
        details: { method: request.method, allowed: allow },
        suggestions: [`Use one of: ${allow.join(', ')}.`],
      }),
    };
  }
}
