import { Module } from '@nestjs/common';
import { ModulesContainer, NestFactory, Reflector } from '@nestjs/core';
import { routeAccess } from '../../auth/policy/route-access.js';
import { controllerRoutes } from '../../common/http/controller-routes.js';
import { RAW_BODY_KEY } from '../../common/http/raw-body.decorator.js';
import { DeliveryInbox } from './delivery-inbox.js';
import { WebhookRefusals } from './webhook-refusals.js';
import { WebhooksController } from './webhooks.controller.js';

const MIB = 1024 * 1024;
const TYPES = ['application/json', 'application/x-www-form-urlencoded'];

// Nothing is made of it: what the routes say of themselves is asked.
@Module({
  controllers: [WebhooksController],
  providers: [DeliveryInbox, WebhookRefusals].map((provide) => ({ provide, useValue: {} })),
})
class WebhooksModule {}

it('the webhooks take POST alone, of anybody, and the bytes of so large a body', async () => {
  const app = await NestFactory.create(WebhooksModule, { preview: true, logger: false });
  const routes = controllerRoutes(app.get(ModulesContainer)).map((route) => ({
    route: `${route.method} ${route.path}`,
    access: routeAccess(new Reflector(), route),
    body: Reflect.getMetadata(RAW_BODY_KEY, route.handler) as unknown,
  }));
  const access = { kind: 'public' };
  // GitHub sends 25 MiB at most, and a signature is held against all of it.
  const ofForge = { access, body: { limit: 25 * MIB, types: TYPES } };
  expect(routes).toEqual([
    { route: 'POST /api/ci/pipelines/:id/webhook', access, body: { limit: MIB, types: TYPES } },
    { route: 'POST /api/repositories/:id/webhook', ...ofForge },
    { route: 'POST /api/webhooks/:forge', ...ofForge },
  ]);
});
