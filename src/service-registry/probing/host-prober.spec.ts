import { DEFAULT_CHECK, type ProbeResult } from '../checks/service-check.js';
import { HostProber } from './host-prober.js';
import { InstanceProber, type InstanceTarget, Prober, type ProbeTarget } from './prober.js';

class Network extends Prober {
  probe = (): Promise<ProbeResult> => Promise.resolve({ ok: true });
}

class Instances extends InstanceProber {
  constructor(readonly look: (target: InstanceTarget) => Promise<ProbeResult>) {
    super();
  }
}

const FAILED: ProbeResult = { ok: false, code: 'command_failed', message: 'no' };
const check = {
  name: 'ready',
  type: 'exec',
  command: 'true',
  intervalMs: 9,
  timeoutMs: 5,
} as const;
const target = (isOwn: boolean): ProbeTarget => ({
  ...{ url: 'check:ready', isOwn, instance: { service: 'default/shop', host: 'web-1', check } },
});

describe('HostProber', () => {
  const failing = new Instances(() => Promise.resolve(FAILED));

  it('asks addresses over the network, and looks into the instances of its host', async () => {
    const prober = new HostProber(new Network(), failing);
    expect(await prober.probe({ url: 'http://a/', isOwn: false }, DEFAULT_CHECK)).toEqual({
      ok: true,
    });
    expect(await prober.probe(target(true), DEFAULT_CHECK)).toEqual(FAILED);
  });

  it.each([
    ['of another host', new HostProber(new Network(), failing), false],
    ['by a process that looks into none', new HostProber(new Network()), true],
  ])('guesses nothing of an instance %s', async (_title, prober, isOwn) => {
    expect(await prober.probe(target(isOwn), DEFAULT_CHECK)).toMatchObject({
      ...{ ok: null, code: 'not_askable', message: expect.stringContaining('web-1') as string },
    });
  });

  it('does not know where looking failed', async () => {
    const broken = new Instances(() => Promise.reject(new Error('defect')));
    expect(await new HostProber(new Network(), broken).probe(target(true), DEFAULT_CHECK)).toEqual({
      ...{ ok: null, code: 'not_askable', message: 'defect' },
    });
  });
});
