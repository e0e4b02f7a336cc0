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
    // The first one of the chain.
    if (what === '-I') there.unshift(line);
  };

  it('drops what comes from our bridges to the machine, but lets its answers through', async () => {
    expect(await closeHost(program)).toBeUndefined();
    const input = there.filter((line) => line.startsWith('iptables INPUT'));
    expect(input).toEqual([
      'iptables INPUT -i mr-+ -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
      'iptables INPUT -i mr-+ -j DROP',
    ]);
    expect(there).toContain('iptables DOCKER-USER -i mr-+ -d 169.254.0.0/16 -j DROP');
    expect(there.filter((line) => line.startsWith('ip6tables INPUT'))).toHaveLength(2);
  });

  it('adds nothing twice', async () => {
    await closeHost(program);
    const before = [...there];
    expect(await closeHost(program)).toBeUndefined();
    expect(there).toEqual(before);
  });

  it('rules what is forwarded itself where the engine makes no rules', async () => {
    refused = 'DOCKER-USER';
    expect(await closeHost(program)).toBeUndefined();
    expect(there).toContain('iptables FORWARD -i mr-+ -d 169.254.0.0/16 -j DROP');
  });

  it('says why it could not', async () => {
    refused = 'INPUT';
    expect(await closeHost(program)).toBe('iptables: No chain by that name.');
  });
});
