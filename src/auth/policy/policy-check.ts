import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { ModulesContainer, Reflector } from '@nestjs/core';
import { controllerRoutes } from '../../common/http/controller-routes.js';
import { routeAccess } from './route-access.js';

/** Keeps an application from starting in which a route does not say who may call it. */
@Injectable()
export class PolicyCheck implements OnModuleInit {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(Reflector) private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    const problems = controllerRoutes(this.modules).flatMap((route) => {
      const access = routeAccess(this.reflector, route);
      return typeof access === 'string' ? [`${route.name} (${route.path}): ${access}`] : [];
    });
    if (problems.length === 0) return;
    throw new Error(
      `Every route says who may call it, by @Requires or @Public():\n${problems.join('\n')}`,
    );
  }
}
