import { pathToRegexp } from 'path-to-regexp';

/** A path that takes a method, as a controller declares it. */
export interface Route {
  /** In upper case; what takes GET takes HEAD. */
  readonly method: string;
  /** `/api/ci/pipelines/:id` */
  readonly path: string;
}

/** Answers which methods a path takes. */
export class RouteTable<R extends Route> {
  private known:
    { readonly byPath: ReadonlyMap<string, R[]>; readonly all: Pattern<R>[] } | undefined;

  /** @param routes asked once, for the first request */
  constructor(private readonly routes: () => readonly R[]) {}

  /** Methods in upper case, sorted; empty = no route has this path. */
  methodsOf(path: string): string[] {
    const methods = new Set(this.routesOf(path).map(({ method }) => method));
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  }

  /**
   * The route of a request as it was registered, `/api/ci/pipelines/:id`; `undefined` = none has
   * its path.
   */
  templateOf(path: string): string | undefined {
    return this.routesOf(path)[0]?.path;
  }

  /** The route that answers a request of this path and method. */
  takerOf(path: string, method: string): R | undefined {
    return this.routesOf(path).find((route) => route.method === method);
  }

  /**
   * `/pipelines/upload` is no pipeline: where the path itself is a route, those with parameters are
   * not meant.
   */
  private routesOf(path: string): readonly R[] {
    const { byPath, all } = this.table;
    return (
      byPath.get(path) ?? all.filter(({ regexp }) => regexp.test(path)).map(({ route }) => route)
    );
  }

  private get table(): NonNullable<typeof this.known> {
    return (this.known ??= tableOf(this.routes()));
  }
}

interface Pattern<R> {
  /** As the router makes it: in any case of letters, with or without a slash at the end. */
  readonly regexp: RegExp;
  readonly route: R;
}

function tableOf<R extends Route>(
  routes: readonly R[],
): { readonly byPath: ReadonlyMap<string, R[]>; readonly all: Pattern<R>[] } {
  const all = routes.map((route) => {
    const { regexp, keys } = pathToRegexp(route.path);
    return { regexp, route, isLiteral: keys.length === 0 };
  });
  const literal = all.filter(({ isLiteral }) => isLiteral).map(({ route }) => route);
  return { byPath: Map.groupBy(literal, ({ path }) => path), all };
}
