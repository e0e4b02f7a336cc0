import { describeWith } from '../../../test/support/needed-programs.js';
import { runtimeOn, type SpecEngine } from './engine-under-test.fixture.js';

/** Nobody listens there, and nobody is asked. */
const HOST = 'unix:///nowhere/engine.sock';

describeWith({ busybox: 'busybox-static' }, { root: true }, 'an engine under test', () => {
  let stopped: number;
  beforeEach(() => (stopped = 0));

  const engine = (change: Partial<SpecEngine>): SpecEngine => ({
    host: HOST,
    importRoot: async () => undefined,
    leftovers: async () => '',
    stop: async () => void (stopped += 1),
    ...change,
  });

  it('is stopped, also when a runtime has left something on it', async () => {
    await (await runtimeOn(engine({}), 'spec')).close();
    expect(stopped).toBe(1);
    const under = await runtimeOn(engine({ leftovers: async () => 'c0ffee' }), 'spec');
    await expect(under.close()).rejects.toThrow('c0ffee');
    expect(stopped).toBe(2);
  });

  it('is stopped, also when it cannot be asked, or takes no image', async () => {
    const away = async (): Promise<never> => Promise.reject(new Error('away'));
    const under = await runtimeOn(engine({ leftovers: away }), 'spec');
    await expect(under.close()).rejects.toThrow('away');
    await expect(runtimeOn(engine({ importRoot: away }), 'spec')).rejects.toThrow('away');
    expect(stopped).toBe(2);
  });
});
