import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { valueOf } from '../values/name-record.js';

/** The part of Express's router that is read here. */
interface Layer {
  readonly route?: Route;
  match(path: string): boolean;
}

interface Route {
  readonly path: unknown;
  readonly methods: Readonly<Record<string, boolean | undefined>>;
}

/** Answers, from the routes that the framework registered, which methods a path takes. */
@Injectable()
export class RouteTable {
  private literalPaths: ReadonlySet<string> | undefined;

  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** Methods in upper case, sorted; empty = no route has this path. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>();
    const routes = [...this.routesOf(path)];
    // `/pipelines/upload` is no pipeline: where the path itself is a route, those with parameters
    // are not meant.
    const own = routes.filter((route) => pathOf(route) === path);
    for (const route of own.length > 0 ? own : routes) {
      for (const method of Object.keys(route.methods)) methods.add(method.toUpperCase());
    }
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  }

  /**
   * False: the path itself is a route and does not take the method, so that one with parameters,
   * which would, is not meant. Other paths are the router's to judge.
   */
  mayTake(path: string, method: string): boolean {
    const route = this.literal.has(path) ? this.methodsOf(path) : undefined;
    return route?.includes(method) ?? true;
  }

  /** Paths of routes without parameters. Routes are registered before the first request. */
  private get literal(): ReadonlySet<string> {
    const literal = ({ route }: { readonly route: Route }): string[] => {
      const path = pathOf(route);
      return path === undefined || /[:*{]/.test(path) ? [] : [path];
    };
    return (this.literalPaths ??= new Set([...this.layers()].flatMap(literal)));
  }

  /**
   * The route of a request as it was registered, `/api/ci/pipelines/:id`; `undefined` = none has
   * its path. `taken` is what Express notes on a request that reached a route; without it (the
   * request was refused before) the path is looked up.
   */
  templateOf(path: string, taken?: unknown): string | undefined {
    const known = pathOfRoute(taken);
    if (known !== undefined) return known;
    if (!isDecodable(path)) return undefined;
    for (const route of this.routesOf(path)) return pathOf(route);
    return undefined;
  }

  /** The route that answers a request of this path and method, as it was registered. */
  takerOf(path: string, method: string): string | undefined {
    if (!isDecodable(path) || !this.mayTake(path, method)) return undefined;
    for (const route of this.routesOf(path)) {
      if (valueOf(route.methods, method.toLowerCase()) === true) return pathOf(route);
    }
    return undefined;
  }

  private *routesOf(path: string): Generator<Route> {
    for (const layer of this.layers()) if (layer.match(path)) yield layer.route;
  }

  private *layers(): Generator<Layer & { readonly route: Route }> {
    const instance = this.adapterHost.httpAdapter.getInstance<{
      router: { stack: readonly Layer[] };
    }>();
    for (const layer of instance.router.stack) {
      if (isOfRoute(layer) && !takesEverything(layer.route.methods)) yield layer;
    }
  }
}

function isOfRoute(layer: Layer): layer is Layer & { readonly route: Route } {
  return layer.route !== undefined;
}

/**
 * The template of what Express notes on a request that reached a route; `undefined` = it reached
 * none.
 */
export function pathOfRoute(taken: unknown): string | undefined {
  return isRoute(taken) && !takesEverything(taken.methods) ? pathOf(taken) : undefined;
}

/** Express throws where it matches any other. */
function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch (error) {
    if (error instanceof URIError) return false;
    throw error;
  }
}

function isRoute(value: unknown): value is Route {
  return typeof value === 'object' && value !== null && 'methods' in value && 'path' in value;
}

function pathOf({ path }: Route): string | undefined {
  return typeof path === 'string' ? path : undefined;
}

/**
 * Middleware that was mounted by `all()`: Express spells it out as one route of every method that
 * Node knows.
 */
function takesEverything(methods: Readonly<Record<string, boolean | undefined>>): boolean {
  return methods['_all'] === true || methods['trace'] === true;
}
