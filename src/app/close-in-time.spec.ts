import { closeInTime } from './close-in-time.js';

describe('closeInTime', () => {
  it('waits for what ends, and leaves its connections alone', async () => {
    let cuts = 0;
    const app = {
      close: () => Promise.resolve(),
      getHttpServer: () => ({ closeAllConnections: () => void (cuts += 1) }),
    };
    await closeInTime(app, { drainMs: 5, endMs: 1_000 });
    expect(cuts).toBe(0);
  });

  it('cuts connections that keep it, and waits for them no longer', async () => {
    const ended = Promise.withResolvers<void>();
    const server = { closeAllConnections: () => ended.resolve() };
    const app = { close: () => ended.promise, getHttpServer: () => server };
    await closeInTime(app, { drainMs: 1, endMs: 60_000 });
  });

  it('leaves what does not end', async () => {
    const app = {
      close: () => new Promise<void>(() => undefined),
      getHttpServer: () => ({ closeAllConnections: () => undefined }),
    };
    await expect(closeInTime(app, { drainMs: 1, endMs: 20 })).rejects.toThrow(
      'not all parts have ended within 0.02 s',
    );
  });
});
