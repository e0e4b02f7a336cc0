import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { controllerRoutes } from '../../common/http/controller-routes.js';
import { RAW_BODY_KEY } from '../../common/http/raw-body.decorator.js';
import { routeAccess } from './route-access.js';

/**
 * Keeps an application from starting in which a route does not say who may call it, or reads a raw
 * body for whom it would then refuse.
 */
@Injectable()
export class PolicyCheck implements OnModuleInit {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const problems = controllerRoutes(this.modules).flatMap((route) => {
      const access = routeAccess(this.reflector, route);
      const name = `${route.name} (${route.path})`;
      if (typeof access === 'string') return [`${name}: ${access}`];
      const isRaw = Reflect.hasMetadata(RAW_BODY_KEY, route.handler);
      return isRaw && access.kind !== 'public'
        ? [`${name}: @RawBody stands without @Public()`]
        : [];
    });
    if (problems.length === 0) return;
    throw new Error(
      `Every route must say who may call it, by @Requires or @Public():\n${problems.join('\n')}`,
    );
  }
}
