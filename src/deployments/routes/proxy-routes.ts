import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { BackgroundRounds } from '../../integrations/database/background-rounds.js';
import { isDatabaseUnavailable } from '../../integrations/database/database-errors.js';
import {
  ProxyAwayError,
  ProxyConflictError,
  type ProxyState,
  type ReverseProxy,
  type Route,
  RoutesRefusedError,
} from '../../integrations/reverse-proxy/reverse-proxy.js';
import { plainRoutes, shownListen } from '../../integrations/reverse-proxy/route-rules.js';
import type { HeldLease } from '../../leases/held-lease.js';
import type { Leases } from '../../leases/leases.js';
import { RoutePlan } from './route-plan.js';
import type { RouteSource, WantedRoute } from './route-source.js';

/** With a quarter more, and the start of a proxy that was lost: less than 5 s. */
const ROUND_MS = 3_000;
/** Longer than an `apply` by far; a writer that was killed keeps others away for so long. */
const TURN_MS = 10_000;
/** Until a proxy that changes, or comes back, is given up for this time. */
const ATTEMPTS = 3;
/** While another process of the host writes. */
const WAIT_MS = 200;
/** What is refused is tried again so late, if nobody asks for it: a try may cost requests. */
const RETRY_MS = 60_000;
/** Until a proxy that could not be brought up is tried again: it may cost minutes of all cores. */
const REST_MS = 20_000;

interface Refusal {
  readonly listen: Route['listen'];
  readonly error: RoutesRefusedError;
  /** By performance.now. */
  readonly at: number;
}

/** What a look at the proxy has found, or has left behind. */
interface Look {
  /** What the proxy has. */
  readonly routes: readonly Route[];
  readonly wanted: readonly Route[];
  readonly refusals: ReadonlyMap<string, RoutesRefusedError>;
}

const NOTHING: Look = { routes: [], wanted: [], refusals: new Map() };

/**
 * Keeps the reverse proxy of this host as the record wants it: its whole configuration is a
 * function of the database, so what is lost or changed is right again within 5 s. Where no service
 * of the host has a route, no proxy is started.
 *
 * Every worker looks; one process of a host at a time writes. That is for peace: what two write at
 * once is told apart by the version of the proxy, and no writer undoes a switch.
 */
export class ProxyRoutes extends BackgroundRounds {
  /** The look that has not begun yet: whoever asks now is served by it. */
  private next: Promise<Look> | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private readonly refusals = new Map<string, Refusal>();
  /** Routes that are tried by the next look, whatever was refused before. */
  private asked = new Set<string>();
  /** By performance.now: no round before. */
  private restsUntil = 0;

  constructor(
    private readonly source: RouteSource,
    private readonly proxy: ReverseProxy,
    private readonly leases: Leases,
    private readonly host: string,
  ) {
    super({ everyMs: ROUND_MS, firstAfterMs: 0, unref: true });
  }

  /**
   * Resolves when the proxy listens for a route that the record wants, with an upstream or without.
   * Many calls at once cost one change. Where no proxy was built yet that takes minutes.
   *
   * @throws RoutesRefusedError the proxy cannot listen there; its message may be shown
   * @throws ProxyAwayError
   */
  async ensureRoute(
    route: Pick<WantedRoute, 'id' | 'listen'>,
    signal?: AbortSignal,
  ): Promise<void> {
    const [plain] = plainRoutes([route]);
    const isSame = ({ id, listen }: Route): boolean =>
      id === plain?.id && isDeepStrictEqual(listen, plain.listen);
    for (;;) {
      signal?.throwIfAborted();
      this.asked.add(route.id);
      const { routes, wanted, refusals } = await orAborted(this.lookSoon(), signal);
      const refusal = refusals.get(route.id);
      if (refusal !== undefined) throw refusal;
      if (!wanted.some(isSame)) {
        const what = `${route.id} at ${shownListen(route.listen)}`;
        throw new Error(`no service of ${this.host} has the route ${what}`);
      }
      if (routes.some(isSame)) return;
      await delay(WAIT_MS);
    }
  }

  /**
   * Resolves when the proxy has no route of this id.
   * @throws ProxyAwayError
   */
  async ensureNoRoute(id: string): Promise<void> {
    await this.untilNone(
      (route) => route.id === id,
      `the record wants the route ${id} of ${this.host}`,
    );
  }

  /**
   * Resolves when the route of this id leads nowhere, in the proxy too.
   * @throws ProxyAwayError
   */
  async ensureClosed(id: string): Promise<void> {
    await this.untilNone(
      (route) => route.id === id && route.upstream !== undefined,
      `the record wants that the route ${id} leads on`,
    );
  }

  /** @param why where the record wants one of these */
  private async untilNone(isOne: (route: Route) => boolean, why: string): Promise<void> {
    for (;;) {
      const { routes, wanted } = await this.lookSoon();
      if (wanted.some(isOne)) throw new Error(why);
      if (!routes.some(isOne)) return;
      await delay(WAIT_MS);
    }
  }

  protected async work(): Promise<void> {
    if (performance.now() < this.restsUntil) return;
    try {
      await this.lookSoon();
    } catch (error) {
      const isPassing = isWorthAnotherLook(error) || isDatabaseUnavailable(error);
      if (!isPassing) this.restsUntil = performance.now() + REST_MS;
      throw error;
    }
  }

  /** A look that begins after this call. */
  private lookSoon(): Promise<Look> {
    if (this.next !== undefined) return this.next;
    const next = this.last.then(() => {
      this.next = undefined;
      return this.look();
    });
    this.next = next;
    this.last = next.catch(() => undefined);
    return next;
  }

  private async look(): Promise<Look> {
    const { asked } = this;
    this.asked = new Set();
    if (!(await this.proxy.isThere()) && (await this.source.routesOn(this.host)).length === 0) {
      return NOTHING;
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.makeRight(asked);
      } catch (error) {
        if (!isWorthAnotherLook(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async makeRight(asked: ReadonlySet<string>): Promise<Look> {
    // The proxy first: where a switch was made since then, its version is another one.
    const state = await this.proxy.current();
    const all = await this.source.routesOn(this.host);
    const wanted = plainRoutes(await Promise.all(all.map((route) => this.besideSwitch(route))));
    const present = byId(state.routes);
    const plan = new RoutePlan(byId(wanted), present);
    for (const route of wanted) {
      const refusal = asked.has(route.id) ? undefined : this.refusalOf(route, present);
      if (refusal !== undefined) plan.leave(route.id, refusal);
    }
    let { routes } = state;
    if (!isRight(state, plan)) {
      const turn = await this.leases.take(`proxy.${this.host}`, TURN_MS);
      // Who has it makes it right, or the next look does.
      if (turn === undefined) return { routes, wanted, refusals: plan.refusals };
      try {
        routes = await this.apply(plan, state.version);
      } finally {
        await this.giveBack(turn);
      }
    }
    this.remember(plan, wanted);
    return { routes, wanted, refusals: plan.refusals };
  }

  /** Of a route that is switching the proxy knows where it leads, if it knows anything of it. */
  private async besideSwitch({ isSwitching, ...route }: WantedRoute): Promise<Route> {
    const now = isSwitching ? await this.proxy.upstreamOf(route.id) : undefined;
    return { ...route, upstream: now ?? route.upstream };
  }

  /** Why a route need not be tried now; it may have come right by another process since then. */
  private refusalOf(
    { id, listen }: Route,
    present: ReadonlyMap<string, Route>,
  ): RoutesRefusedError | undefined {
    const refusal = this.refusals.get(id);
    if (refusal === undefined || refusal.at < performance.now() - RETRY_MS) return undefined;
    if (isDeepStrictEqual(present.get(id)?.listen, listen)) return undefined;
    return isDeepStrictEqual(refusal.listen, listen) ? refusal.error : undefined;
  }

  /** @returns what the proxy has been told in the end */
  private async apply(plan: RoutePlan, version: string): Promise<readonly Route[]> {
    for (;;) {
      try {
        const { changed } = await this.proxy.apply(plan.routes, version);
        const routes = plainRoutes(plan.routes);
        if (changed === 'routes') {
          this.logger.log({ routes: routes.length }, 'the reverse proxy has other routes');
        }
        return routes;
      } catch (error) {
        if (!(error instanceof RoutesRefusedError)) throw error;
        plan.refuse(error);
      }
    }
  }

  /** A refusal is told once; it counts from when it was tried. */
  private remember({ refusals }: RoutePlan, wanted: readonly Route[]): void {
    for (const { id, listen } of wanted) {
      const error = refusals.get(id);
      const known = this.refusals.get(id);
      if (error === undefined || error === known?.error) continue;
      this.refusals.set(id, { listen, error, at: performance.now() });
      if (known?.error.message === error.message) continue;
      this.logger.warn({ route: id, code: error.code }, `a route is refused: ${error.message}`);
    }
    for (const id of this.refusals.keys()) if (!refusals.has(id)) this.refusals.delete(id);
  }

  private async giveBack(turn: HeldLease): Promise<void> {
    try {
      await turn.release();
    } catch (error) {
      this.logger.debug({ err: error }, 'the turn was not given back; it runs out by itself');
    }
  }
}

function byId(routes: readonly Route[]): ReadonlyMap<string, Route> {
  return new Map(routes.map((route) => [route.id, route]));
}

function isRight({ isWhole, routes }: ProxyState, plan: RoutePlan): boolean {
  return isWhole && isDeepStrictEqual(routes, plainRoutes(plan.routes));
}

function isWorthAnotherLook(error: unknown): boolean {
  return error instanceof ProxyConflictError || error instanceof ProxyAwayError;
}

/** The work continues for others. @throws the reason of the signal */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const stop = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
