import type { IncomingMessage } from 'node:http';
import { clientAddress, clientNetwork, isBehindTls } from './client-address.js';

function request(remoteAddress: string, headers: Record<string, string> = {}): IncomingMessage {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage;
}

const forwarded = (value: string): Record<string, string> => ({ 'x-forwarded-for': value });

describe('clientAddress', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['', ''],
  ])('knows %s as %s', (remote, address) => {
    expect(clientAddress(request(remote), 0)).toBe(address);
  });

  it('looks at no header without proxies', () => {
    expect(clientAddress(request('10.0.0.1', forwarded('1.1.1.1')), 0)).toBe('10.0.0.1');
  });

  it.each([
    ['what the proxy saw', '198.51.100.7', 1, '198.51.100.7'],
    ['not what the client wrote', '1.1.1.1, 198.51.100.7', 1, '198.51.100.7'],
    ['the second from the right behind two', '1.1.1.1, 198.51.100.7, 10.0.0.2', 2, '198.51.100.7'],
    ['the last there is where proxies are missing', '198.51.100.7', 2, '198.51.100.7'],
    ['the proxy where it says nothing', '', 1, '10.0.0.1'],
    ['the proxy where it says nonsense', 'unknown', 1, '10.0.0.1'],
    ['the nearest good one', 'nonsense, 10.0.0.2', 2, '10.0.0.2'],
    ['an address with a port', '198.51.100.7:4711', 1, '198.51.100.7'],
    ['an IPv6 address with a port', '[2001:db8::7]:4711', 1, '2001:db8::7'],
    ['IPv4 within IPv6', '::ffff:198.51.100.7', 1, '198.51.100.7'],
    ['no address with more behind it', '198.51.100.7 evil', 1, '10.0.0.1'],
    ['no octal number', '0300.1.1.1', 1, '10.0.0.1'],
  ])('takes %s', (_name, header, proxies, address) => {
    expect(clientAddress(request('10.0.0.1', forwarded(header)), proxies)).toBe(address);
  });

  it('reads a long header from its end', () => {
    const header = forwarded(`${'1.1.1.1,'.repeat(1_000)}198.51.100.7`);
    expect(clientAddress(request('10.0.0.1', header), 1)).toBe('198.51.100.7');
  });
});

it.each([
  ['10.0.0.1', '10.0.0.1'],
  ['', ''],
  ['::1', '0:0:0:0::/64'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::', '2001:db8:1:2::/64'],
])('clientNetwork of %s is %s', (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});

describe('isBehindTls', () => {
  it.each([
    ['https', 0, false],
    ['https', 1, true],
    ['HTTPS', 1, true],
    ['http', 1, false],
    ['https, http', 1, false],
    ['https, http', 2, true],
    ['', 1, false],
  ])('%s behind %i: %s', (header, proxies, behind) => {
    const asked = request('10.0.0.1', { 'x-forwarded-proto': header });
    expect(isBehindTls(asked, proxies)).toBe(behind);
  });
});
