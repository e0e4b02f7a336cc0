import type { Upstream } from './reverse-proxy.js';
import { leadText, parseLead, type RouteLead } from './route-lead.js';

const at = (port: number): Upstream => ({ host: '127.0.0.1', port });

describe('what the file of a route says', () => {
  it.each<[string, RouteLead]>([
    ['', {}],
    ['stopped', { isStopped: true }],
    ['127.0.0.1:1', { upstream: at(1) }],
    [
      '[::1]:1 shop.test:2',
      { upstream: { host: '::1', port: 1, assetsFrom: { host: 'shop.test', port: 2 } } },
    ],
  ])('%j is read as it was written', (text, lead) => {
    expect(leadText(lead)).toBe(text);
    expect(parseLead(text)).toEqual(lead);
  });

  it.each([undefined, ' ', 'x', '127.0.0.1:1 ', '127.0.0.1:1 x', '127.0.0.1:1  127.0.0.1:2'])(
    '%j is nothing of ours',
    (text) => {
      expect(parseLead(text)).toBeUndefined();
    },
  );

  it('nothing of ours are three', () => {
    expect(parseLead('127.0.0.1:1 127.0.0.1:2 127.0.0.1:3')).toBeUndefined();
  });
});
