import type { NextFunction, Request, Response } from 'express';
import type { BodyBudget } from './body-budget.js';
import { refuseOtherTypes } from './consumes.js';
import { announcesBody } from './content-type.js';
import type { RouteHandler } from './controller-routes.js';
import { RAW_BODY_KEY, type RawBodyRule } from './raw-body.decorator.js';
import { readBody } from './read-body.js';
import type { MillraceRequest } from './request-context.js';
import type { Route, RouteTable } from './route-table.js';

/**
 * Reads the bodies of routes with `@RawBody` into `request.rawBody`. What nobody known sends counts
 * for the budget until it is answered.
 */
export function rawBody(
  routes: Pick<RouteTable<Route & Partial<RouteHandler>>, 'takerOf'>,
  budget: BodyBudget,
): (request: Request, response: Response, next: NextFunction) => void {
  const ruleOf = ({ path, method }: Request): RawBodyRule | undefined => {
    const handler = routes.takerOf(path, method)?.handler;
    return handler && (Reflect.getMetadata(RAW_BODY_KEY, handler) as RawBodyRule | undefined);
  };
  return (request, response, next) => {
    const rule = announcesBody(request.headers) ? ruleOf(request) : undefined;
    if (rule === undefined) {
      next();
      return;
    }
    read(request as MillraceRequest, response, rule, budget).then(
      () => next(),
      (error: unknown) => next(error),
    );
  };
}

async function read(
  request: MillraceRequest,
  response: Response,
  { types, limit }: RawBodyRule,
  budget: BodyBudget,
): Promise<void> {
  refuseOtherTypes(request.headers, types);
  const share = budget.open();
  response.once('close', () => share.release());
  try {
    request.rawBody = await readBody(request, limit, share);
  } catch (error) {
    // Its sender may still be writing, for as long as the connection lingers.
    share.release();
    throw error;
  }
}
