import { hostPort } from './host-port.js';

it.each([
  ['example.org', 'example.org:80'],
  ['192.0.2.1', '192.0.2.1:80'],
  ['::1', '[::1]:80'],
])('a place at %s is %s', (host, place) => {
  expect(hostPort(host, 80)).toBe(place);
});
