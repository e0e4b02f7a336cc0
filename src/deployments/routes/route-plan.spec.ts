import {
  type Route,
  type RoutesRefusal,
  RoutesRefusedError,
} from '../../integrations/reverse-proxy/reverse-proxy.js';
import { RoutePlan } from './route-plan.js';

const at = (id: string, port: number, upstream = 7001): Route => ({
  id,
  listen: { address: '127.0.0.1', port },
  upstream: { host: '127.0.0.1', port: upstream },
});
const refusal = (code: RoutesRefusal, ...ids: string[]): RoutesRefusedError =>
  new RoutesRefusedError(code, code, ids);
const plan = (wanted: readonly Route[], present: readonly Route[]): RoutePlan => {
  const byId = (routes: readonly Route[]) => new Map(routes.map((route) => [route.id, route]));
  return new RoutePlan(byId(wanted), byId(present));
};

describe('the routes that a proxy is told', () => {
  it('are those that are wanted, as long as it takes them', () => {
    const one = plan([at('web', 1), at('shop', 2)], [at('old', 3)]);
    expect(one.routes).toEqual([at('web', 1), at('shop', 2)]);
    expect(one.refusals.size).toBe(0);
  });

  it('are without a new one that is refused', () => {
    const one = plan([at('web', 1), at('shop', 2)], [at('web', 1)]);
    const error = refusal('port_in_use', 'shop');
    one.refuse(error);
    expect(one.routes).toEqual([at('web', 1)]);
    expect([...one.refusals]).toEqual([['shop', error]]);
  });

  it('have one that is there where it was, with the upstream that it shall have', () => {
    const one = plan([at('web', 2, 7002)], [at('web', 1)]);
    one.refuse(refusal('port_in_use', 'web'));
    expect(one.routes).toEqual([at('web', 1, 7002)]);
    expect(one.refusals.has('web')).toBe(true);
  });

  it('have one as it was that says what no route may say', () => {
    const one = plan([at('web', 1, 0)], [at('web', 1)]);
    one.refuse(refusal('invalid', 'web'));
    expect(one.routes).toEqual([at('web', 1)]);
  });

  it('have of two on one port the one that is there already, also where its upstream moves', () => {
    const one = plan([at('web', 1, 7002), at('new', 1)], [at('web', 1)]);
    one.refuse(refusal('overlap', 'web', 'new'));
    expect(one.routes).toEqual([at('web', 1, 7002)]);
    expect([...one.refusals.keys()]).toEqual(['new']);
  });

  it('are without all that are refused where all of them were there', () => {
    const one = plan([at('web', 1), at('shop', 2)], [at('web', 1), at('shop', 2)]);
    one.refuse(refusal('port_in_use', 'web'));
    expect(one.routes).toEqual([at('shop', 2)]);
  });

  it('are without all new ones where the refusal names none', () => {
    const one = plan([at('web', 1), at('shop', 2)], [at('web', 1)]);
    one.refuse(refusal('other'));
    expect(one.routes).toEqual([at('web', 1)]);
    const again = refusal('other');
    expect(() => one.refuse(again)).toThrow(again);
  });

  it('come to an end, whatever is refused', () => {
    const one = plan([at('web', 2), at('shop', 1)], [at('web', 1), at('shop', 2)]);
    const error = refusal('overlap', 'web', 'shop');
    for (let left = 5; one.routes.length > 0; left -= 1) {
      expect(left).toBeGreaterThan(0);
      one.refuse(error);
    }
    expect(() => one.refuse(error)).toThrow(error);
  });
});
