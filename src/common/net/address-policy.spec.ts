import { AddressPolicy, AddressRefusedError } from './address-policy.js';
import {
  checkedAddresses,
  CheckedResolver,
  pinnedLookup,
  type ResolvedAddress,
} from './checked-addresses.js';

const strict = new AddressPolicy([]);
const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });

describe('AddressPolicy', () => {
  it.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.127.255.255',
    '127.0.0.1',
    '127.255.0.9',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.0.2.1',
    '192.88.99.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::7f00:1',
    '::8.8.8.8',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.1.2.3',
    '::ffff:0:10.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::808:808',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2001:10::1',
    '2002:7f00:1::',
    '2002:808:808::1',
    '3fff::1',
    '5f00::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fec0::1',
    'ff02::1',
    '4000::1',
    'a000::1',
    'localhost',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '',
  ])('refuses %s', (address) => {
    expect(strict.refusalOf('git.example.com', address)).toBeDefined();
    expect(strict.refusalOf(address, address)).toBeDefined();
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.1',
    '140.82.121.3',
    '169.253.255.255',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '223.255.255.255',
    '2606:4700:4700::1111',
    '2a00:1450::1',
    '2620:fe::fe',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
  ])('lets %s through', (address) => {
    expect(strict.refusalOf('git.example.com', address)).toBeUndefined();
  });

  it('allows addresses, networks, names and all, and nothing beside them', () => {
    const policy = new AddressPolicy([
      '10.0.0.0/8',
      '192.168.1.5',
      'fd00::/8',
      'git.corp',
      '::ffff:172.16.0.9',
    ]);
    const refuses = (host: string, address: string): boolean =>
      policy.refusalOf(host, address) !== undefined;
    expect(refuses('a', '10.255.1.2')).toBe(false);
    expect(refuses('a', '::ffff:10.255.1.2')).toBe(false);
    expect(refuses('a', '64:ff9b::10.255.1.2')).toBe(false);
    expect(refuses('a', '192.168.1.5')).toBe(false);
    expect(refuses('a', '172.16.0.9')).toBe(false);
    expect(refuses('a', 'fd12::1')).toBe(false);
    expect(refuses('GIT.corp.', '127.0.0.1')).toBe(false);
    expect(refuses('a', '192.168.1.6')).toBe(true);
    expect(refuses('a', 'fc00::1')).toBe(true);
    expect(refuses('a.git.corp', '127.0.0.1')).toBe(true);
    expect(refuses('git.corp.evil.example', '127.0.0.1')).toBe(true);
    const all = new AddressPolicy(['all']);
    expect(all.refusalOf('a', '169.254.169.254')).toBeUndefined();
    expect(all.allowsAll).toBe(true);
    expect(policy.allowsAll).toBe(false);
  });

  it('says what to write, and where', async () => {
    const refused = checkedAddresses(strict, 'git.corp', () => Promise.resolve([v4('10.1.2.3')]));
    await expect(refused).rejects.toThrow(
      'The server does not connect to git.corp (10.1.2.3): that address is private. ' +
        'Whoever runs the server allows it by ALLOW_PRIVATE_URLS=10.1.2.3 or git.corp; ' +
        'networks such as 10.0.0.0/8 and several, separated by commas, work too.',
    );
  });
});

describe('checkedAddresses', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.0.0.1./',
    'http://%31%32%37.0.0.1/',
    'http://\uff11\uff12\uff17.0.0.1/',
    'http://127\u30020\u30020\u30021/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[0:0::1]/',
    'http://good.example@127.0.0.1/',
    'http://good.example:80@127.0.0.1/',
    'http:\\\\127.0.0.1\\',
    'http:127.0.0.1',
    'http://\u2460\u2461\u2466.0.0.1/',
  ])('sees through the spelling %s', async (url) => {
    const resolve = jest.fn().mockRejectedValue(new Error('no name must be asked for'));
    const refused = checkedAddresses(strict, new URL(url).hostname, resolve);
    await expect(refused).rejects.toBeInstanceOf(AddressRefusedError);
    expect(resolve).not.toHaveBeenCalled();
  });

  it.each(['127.1', '0x7f000001', '017700000001', '2130706433', 'localhost', 'localhost.'])(
    'judges what the resolver of the machine makes of %s',
    async (host) => {
      await expect(checkedAddresses(strict, host)).rejects.toBeInstanceOf(AddressRefusedError);
    },
  );

  it('refuses a name when one of its addresses is refused', async () => {
    const mixed = [v4('8.8.8.8'), v4('127.0.0.1')];
    await expect(
      checkedAddresses(strict, 'mixed.example', () => Promise.resolve(mixed)),
    ).rejects.toMatchObject({ refusal: { host: 'mixed.example', address: '127.0.0.1' } });
  });

  it('says that a name without an address is not found', async () => {
    await expect(
      checkedAddresses(strict, 'empty.example', () => Promise.resolve([])),
    ).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('resolves a name once for a piece of work, so the second answer is never used', async () => {
    const answers = [[v4('8.8.8.8')], [v4('127.0.0.1')]];
    const resolver = new CheckedResolver(strict, () => Promise.resolve(answers.shift() ?? []));
    expect(await resolver.addresses('rebind.example')).toEqual([v4('8.8.8.8')]);
    expect(await resolver.addresses('REBIND.example.')).toEqual([v4('8.8.8.8')]);
    expect(answers.length).toBe(1);
  });

  it('pins them for a socket, in both forms that Node asks for', () => {
    const pinned = pinnedLookup([v4('192.0.2.1'), v4('192.0.2.2')]);
    const answers: unknown[][] = [];
    pinned('x', { all: true }, (...answer) => answers.push(answer));
    pinned('x', {}, (...answer) => answers.push(answer));
    expect(answers).toEqual([
      [null, [v4('192.0.2.1'), v4('192.0.2.2')]],
      [null, '192.0.2.1', 4],
    ]);
  });
});
