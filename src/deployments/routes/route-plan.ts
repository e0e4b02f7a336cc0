import { isDeepStrictEqual } from 'node:util';
import type { Route, RoutesRefusedError } from '../../integrations/reverse-proxy/reverse-proxy.js';

type Routes = ReadonlyMap<string, Route>;

/**
 * The routes that a proxy is told, where it takes some of those that are wanted and refuses others.
 * What is refused costs nobody else anything: a route that is new is left out, one that is there
 * stays where it listens.
 */
export class RoutePlan {
  private readonly tried: Map<string, Route>;
  private readonly refused = new Map<string, RoutesRefusedError>();

  /**
   * @param wanted by id
   * @param present what the proxy has, by id
   */
  constructor(
    private readonly wanted: Routes,
    private readonly present: Routes,
  ) {
    this.tried = new Map(wanted);
  }

  /** What it is told next. */
  get routes(): readonly Route[] {
    return [...this.tried.values()];
  }

  /** By id: why a route is not as it is wanted. */
  get refusals(): ReadonlyMap<string, RoutesRefusedError> {
    return this.refused;
  }

  /**
   * The next `routes` are other ones. Of routes that refuse each other those that are there already
   * stay; a refusal that names none is that of all that would be new.
   *
   * @throws the refusal, where nothing is left that it could be about
   */
  refuse(refusal: RoutesRefusedError): void {
    const named = refusal.routeIds.filter((id) => this.tried.has(id));
    const asked = named.length > 0 ? named : [...this.tried.keys()];
    const others = asked.filter((id) => this.isNew(id, refusal));
    const causes = others.length > 0 ? others : named;
    if (causes.length === 0) throw refusal;
    for (const id of causes) this.leave(id, refusal);
  }

  /** Also one that was refused before, and need not be tried again now. */
  leave(id: string, refusal: RoutesRefusedError): void {
    const [present, wanted] = [this.present.get(id), this.wanted.get(id)];
    this.refused.set(id, refusal);
    if (present === undefined || wanted === undefined || !this.isNew(id, refusal)) {
      this.tried.delete(id);
      return;
    }
    const { upstream, isStopped } = refusal.code === 'invalid' ? present : wanted;
    this.tried.set(id, {
      ...{ id, listen: present.listen },
      ...(upstream && { upstream }),
      ...(isStopped && { isStopped }),
    });
  }

  private isNew(id: string, { code }: RoutesRefusedError): boolean {
    const [present, tried] = [this.present.get(id), this.tried.get(id)];
    if (present === undefined) return true;
    return code === 'invalid'
      ? !isDeepStrictEqual(present, tried)
      : !isDeepStrictEqual(present.listen, tried?.listen);
  }
}
