import { closeHost } from './host-firewall.js';

describe('closeHost', () => {
  let there: string[];
  let refused: string | undefined;

  beforeEach(() => {
    there = [];
    refused = undefined;
  });

  const program = async (name: string, args: readonly string[]): Promise<void> => {
    const [, , what, ...rule] = args;
    const line = `${name} ${rule.join(' ')}`;
    if (refused !== undefined && line.includes(refused)) {
      throw Object.assign(new Error('failed'), { stderr: 'No chain by that name.\nmore' });
    }
    if (what === '-C' && !there.includes(line)) throw new Error('no such rule');
    if (what === '-D') there.splice(there.indexOf(line), 1);
    // The first one of the chain.
    if (what === '-I') there.unshift(line);
  };

  it('drops what comes from our bridges to the machine, but lets its answers through', async () => {
    expect(await closeHost({ isPodman: false }, program)).toBeUndefined();
    const input = there.filter((line) => line.startsWith('iptables INPUT'));
    expect(input).toEqual([
      'iptables INPUT -i mr-+ -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'iptables INPUT -i mr-+ -j DROP',
    ]);
    expect(there).toContain('iptables DOCKER-USER -i mr-+ -d 169.254.0.0/16 -j DROP');
    expect(there.filter((line) => line.startsWith('ip6tables INPUT'))).toHaveLength(2);
  });

  it('adds nothing twice', async () => {
    await closeHost({ isPodman: false }, program);
    const before = [...there];
    expect(await closeHost({ isPodman: false }, program)).toBeUndefined();
    expect(there).toEqual(before);
  });

  it('lets the name server of Podman be asked, and that alone, also when Docker came first', async () => {
    await closeHost({ isPodman: false }, program);
    expect(there.filter((line) => line.includes('--dport'))).toEqual([]);
    expect(await closeHost({ isPodman: true }, program)).toBeUndefined();
    const input = there.filter((line) => line.startsWith('iptables INPUT'));
    expect(input).toEqual([
      'iptables INPUT -i mr-+ -p tcp --dport 53 -j ACCEPT',
      'iptables INPUT -i mr-+ -p udp --dport 53 -j ACCEPT',
      'iptables INPUT -i mr-+ -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'iptables INPUT -i mr-+ -j DROP',
    ]);
  });

  it('keeps the order when somebody took one rule out', async () => {
    await closeHost({ isPodman: true }, program);
    const before = [...there].sort();
    const input = there.filter((line) => line.startsWith('iptables INPUT'));
    there = there.filter((line) => line !== 'iptables INPUT -i mr-+ -j DROP');
    await closeHost({ isPodman: true }, program);
    expect(there.filter((line) => line.startsWith('iptables INPUT'))).toEqual(input);
    expect([...there].sort()).toEqual(before);
  });

  it('rules what is forwarded itself where the engine makes no rules', async () => {
    refused = 'DOCKER-USER';
    expect(await closeHost({ isPodman: false }, program)).toBeUndefined();
    expect(there).toContain('iptables FORWARD -i mr-+ -d 169.254.0.0/16 -j DROP');
  });

  it('says why it could not', async () => {
    refused = 'INPUT';
    expect(await closeHost({ isPodman: false }, program)).toBe('iptables: No chain by that name.');
  });
});
