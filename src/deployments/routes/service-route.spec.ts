import { routePlace, shortName } from './service-route.js';

describe('routePlace', () => {
  it('is one for each domain and path, as the proxy tells them apart', () => {
    const place = (path?: string): string =>
      routePlace('default/shop', { domain: 'shop.example', ...(path !== undefined && { path }) });
    expect(place('/')).toBe(place());
    expect(place('/API')).toBe(place('/api'));
    expect(place('/api')).not.toBe(place());
  });

  it('lets another service have what is below a path', () => {
    const all = [undefined, '/api', '/api/v2'].map((path) =>
      routePlace('default/shop', { domain: 'shop.example', ...(path !== undefined && { path }) }),
    );
    for (const one of all) {
      expect(all.filter((other) => other.startsWith(`${one}/`))).toEqual([]);
    }
  });

  it('is a port of the host, at whatever address', () => {
    const place = (address: string): string => routePlace('a/b', { address, port: 80 });
    expect(place('::')).toBe(place('127.0.0.1'));
  });
});

describe('shortName', () => {
  it('is short and told apart by the whole id', () => {
    const long = 'a'.repeat(63);
    expect(shortName(`default/${long}`)).toHaveLength(53);
    expect(shortName(`default/${long}`)).not.toBe(shortName(`other/${long}`));
  });
});
