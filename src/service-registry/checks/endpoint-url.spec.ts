import { portOf, readEndpoint } from './endpoint-url.js';

describe('an endpoint', () => {
  it.each([
    ['https://Shop.Example', 'https://shop.example/', 443],
    ['http://shop.example:8080/healthz', 'http://shop.example:8080/healthz', 8080],
    ['http://[2001:db8::1]/', 'http://[2001:db8::1]/', 80],
    ['http://0x7f.1/', 'http://127.0.0.1/', 80],
    ['tcp://DB.example:5432', 'tcp://db.example:5432', 5432],
    ['tcp://[2001:db8::1]:5432/', 'tcp://[2001:db8::1]:5432', 5432],
  ])('%p is %p at port %i', (text, url, port) => {
    expect(readEndpoint(text)).toEqual({ url });
    expect(portOf(url)).toBe(port);
  });

  it.each([
    'shop.example',
    'ftp://shop.example/',
    'file:///etc/passwd',
    'https:shop.example',
    'https://ada:secret@shop.example/',
    'https://shop.example/?token=x',
    'https://shop.example/?',
    'https://shop.example/#x',
    'tcp://db.example',
    'tcp://db.example:0',
    'tcp://db.example:5432/x',
    'tcp://:5432',
    `https://shop.example/${'x'.repeat(2048)}`,
  ])('%p is none', (text) => {
    expect(readEndpoint(text).problem).toEqual(expect.any(String));
  });
});
