import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { API_PREFIX, UNPREFIXED } from './api-prefix.js';

type Handler = (...args: never[]) => unknown;
type ControllerClass = new (...args: never[]) => object;

/** The method of a controller that answers a route, for its metadata. */
export interface RouteHandler {
  readonly controller: ControllerClass;
  readonly handler: Handler;
}

/** A route as a controller declares it. */
export interface ControllerRoute extends RouteHandler {
  /** In upper case. */
  readonly method: string;
  /**
   * With the prefix and with parameters as the framework registers them: `/api/ci/pipelines/:id`.
   */
  readonly path: string;
  /** `PipelinesController.get`. */
  readonly name: string;
}

/**
 * All routes of all controllers, sorted by path. Works on an application that instantiates nothing,
 * too.
 */
export function controllerRoutes(modules: ModulesContainer): ControllerRoute[] {
  const controllers = new Set(
    [...modules.values()].flatMap((module) =>
      [...module.controllers.values()].map(({ metatype }) => metatype as ControllerClass),
    ),
  );
  return [...controllers].flatMap(routesOf).sort(byPath);
}

function routesOf(controller: ControllerClass): ControllerRoute[] {
  const prototype = controller.prototype as object;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((name) => {
    const handler = Reflect.get(prototype, name) as Handler;
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined) return [];
    return pathsOf(controller).flatMap((start) =>
      pathsOf(handler).map((end) => ({
        controller,
        handler,
        method: RequestMethod[method],
        path: joined(start, end),
        name: `${controller.name}.${name}`,
      })),
    );
  });
}

function pathsOf(target: ControllerClass | Handler): string[] {
  const paths = Reflect.getMetadata(PATH_METADATA, target) as string | string[] | undefined;
  return typeof paths === 'string' ? [paths] : (paths ?? ['']);
}

function joined(start: string, end: string): string {
  const parts = [...start.split('/'), ...end.split('/')].filter((part) => part !== '');
  const own = parts.join('/');
  return UNPREFIXED.includes(own) ? `/${own}` : `/${[API_PREFIX, ...parts].join('/')}`;
}

function byPath(one: ControllerRoute, other: ControllerRoute): number {
  return one.path < other.path
    ? -1
    : one.path > other.path
      ? 1
      : one.method < other.method
        ? -1
        : 1;
}
