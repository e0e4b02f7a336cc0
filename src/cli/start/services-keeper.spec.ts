import { ServicesKeeper } from './services-keeper.js';

describe('ServicesKeeper', () => {
  const said: string[] = [];
  let hasServices: boolean;
  let problem: string | undefined;
  let looks: number;
  let enough: (() => void) | undefined;

  beforeEach(() => {
    said.length = 0;
    hasServices = true;
    problem = undefined;
    looks = 0;
  });

  /** Runs it until it has looked so often. */
  async function keepFor(count: number): Promise<{ readonly started: number }> {
    let started = 0;
    const supervisor = {
      hasServices: () => {
        looks += 1;
        if (looks >= count) enough?.();
        return hasServices;
      },
      ensure: async () => {
        started += 1;
        if (problem !== undefined) throw new Error(problem);
        return 'socket';
      },
    };
    const keeper = new ServicesKeeper(supervisor, (line) => said.push(line), 1);
    const done = new Promise<void>((resolve) => (enough = resolve));
    keeper.start();
    await done;
    await keeper.stop();
    return { started };
  }

  it('asks for the supervisor again and again', async () => {
    expect((await keepFor(3)).started).toBe(3);
    expect(said).toEqual([]);
  });

  it('starts nothing where nothing was deployed', async () => {
    hasServices = false;
    expect((await keepFor(3)).started).toBe(0);
  });

  it('tells a problem once, and continues', async () => {
    problem = 'no room';
    expect((await keepFor(4)).started).toBe(4);
    expect(said).toEqual(['What was deployed on this host is not supervised: no room']);
  });
});
