import { applyDecorators, SetMetadata } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { DocumentedBody, type BodyInDocument } from './api-documentation.js';
import type { BodyBudget } from './body-budget.js';
import { Consumes } from './consumes.js';
import { announcesBody, mediaType } from './content-type.js';
import type { RouteHandler } from './controller-routes.js';
import type { MillraceRequest } from './request-context.js';
import type { Route, RouteTable } from './route-table.js';
import { decodeUtf8, readUtf8Body } from './utf8-body.js';
import { nameRecord } from '../values/name-record.js';

const TEXT_BODY_KEY = 'millrace:text-body';

export interface TextBodyRule {
  /** Media types whose body is the text itself; JSON is taken too. */
  readonly types: readonly string[];
  /** The property of the JSON body that the text stands for. */
  readonly property: string;
}

/**
 * The route takes its one text as a body of JSON, or as the body itself: its handler gets the same
 * DTO. Name no type that a form of a web page can send.
 * @param example a text, for the OpenAPI document
 */
export function TextBody(rule: TextBodyRule, example: string): MethodDecorator {
  const inDocument: BodyInDocument = {
    // No type: what reads the media type sees what is in the text, and not a text.
    schema: { description: `What is \`${rule.property}\` in a body of JSON.` },
    example,
  };
  return applyDecorators(
    SetMetadata(TEXT_BODY_KEY, rule),
    Consumes('application/json', ...rule.types),
    DocumentedBody(nameRecord(rule.types.map((type) => [type, inDocument] as const))),
  );
}

/**
 * Reads the text bodies of routes with `@TextBody` into `request.body`, as JSON would have brought
 * them. Only of requests of somebody known; all others end in 401 without it.
 * @param limit largest body, bytes
 */
export function textBody(
  routes: Pick<RouteTable<Route & Partial<RouteHandler>>, 'takerOf'>,
  limit: number,
  budget: BodyBudget,
): (request: Request, response: Response, next: NextFunction) => void {
  const ruleOf = ({ path, method, headers }: Request): TextBodyRule | undefined => {
    const handler = routes.takerOf(path, method)?.handler;
    const rule =
      handler && (Reflect.getMetadata(TEXT_BODY_KEY, handler) as TextBodyRule | undefined);
    return rule?.types.includes(mediaType(headers['content-type'])) === true ? rule : undefined;
  };
  return (request, _response, next) => {
    const isKnown = (request as MillraceRequest).principal !== undefined;
    const rule = isKnown && announcesBody(request.headers) ? ruleOf(request) : undefined;
    if (rule === undefined) {
      next();
      return;
    }
    const textOf = (bytes: Buffer): string => decodeUtf8(bytes, { keepsMark: true });
    readUtf8Body(request as MillraceRequest, limit, budget, textOf).then(
      (text) => {
        request.body = { [rule.property]: text };
        next();
      },
      (error: unknown) => next(error),
    );
  };
}
