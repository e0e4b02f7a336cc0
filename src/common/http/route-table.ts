import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** The part of Express's router that is read here. */
interface Layer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean | undefined>> };
  match(path: string): boolean;
}

/** Answers, from the routes that the framework registered, which methods a path takes. */
@Injectable()
export class RouteTable {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  /** Methods in upper case, sorted; empty = no route has this path. */
  methodsOf(path: string): string[] {
    const instance = this.adapterHost.httpAdapter.getInstance<{
      router: { stack: readonly Layer[] };
    }>();
    const methods = new Set<string>();
    for (const layer of instance.router.stack) {
      if (!layer.route || takesEverything(layer.route.methods) || !layer.match(path)) continue;
      for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
    }
    if (methods.has('GET')) methods.add('HEAD');
    return [...methods].sort();
  }
}

/** Middleware that was mounted by `all()`: Express spells it out as one route of every method that Node knows. */
function takesEverything(methods: Readonly<Record<string, boolean | undefined>>): boolean {
  return methods['_all'] === true || methods['trace'] === true;
}
