import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Actor, MillraceRequest } from '../common/http/request-context.js';

/** Parameter of a handler: who sent the request. There always is one where the route is not `@Public()`. */
export const CurrentActor = createParamDecorator((_data: unknown, context: ExecutionContext) => {
  const { actor } = context.switchToHttp().getRequest<MillraceRequest>();
  if (!actor) throw new Error('CurrentActor is used on a public route');
  return actor satisfies Actor;
});
