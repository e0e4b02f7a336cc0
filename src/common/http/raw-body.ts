import type { NextFunction, Request, Response } from 'express';
import type { BodyBudget } from './body-budget.js';
import { refuseOtherTypes } from './consumes.js';
import { announcesBody } from './content-type.js';
import type { ControllerRoute } from './controller-routes.js';
import { RAW_BODY_KEY, type RawBodyRule } from './raw-body.decorator.js';
import { readBody } from './read-body.js';
import type { MillraceRequest } from './request-context.js';
import type { RouteTable } from './route-table.js';

/**
 * Reads the bodies of routes with `@RawBody` into `request.rawBody`. What nobody known sends counts
 * for the budget until it is answered.
 * @param controllers asked once, at the first request
 */
export function rawBody(
  routes: RouteTable,
  controllers: () => readonly ControllerRoute[],
  budget: BodyBudget,
): (request: Request, response: Response, next: NextFunction) => void {
  let rules: ReadonlyMap<string, RawBodyRule> | undefined;
  const ruleOf = ({ path, method }: Request): RawBodyRule | undefined => {
    rules ??= rawRoutes(controllers());
    if (rules.size === 0) return undefined;
    const template = routes.takerOf(path, method);
    return template === undefined ? undefined : rules.get(`${method} ${template}`);
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

function rawRoutes(controllers: readonly ControllerRoute[]): Map<string, RawBodyRule> {
  return new Map(
    controllers.flatMap(({ method, path, handler }) => {
      const rule = Reflect.getMetadata(RAW_BODY_KEY, handler) as RawBodyRule | undefined;
      return rule === undefined ? [] : [[`${method} ${path}`, rule] as const];
    }),
  );
}
