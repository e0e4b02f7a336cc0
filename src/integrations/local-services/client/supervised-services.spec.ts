import { SupervisedServices } from './supervised-services.js';

describe('SupervisedServices', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each([
    ['at once', 10, 4],
    ['after a long wait', 15_000, 1],
  ])('asks again a supervisor that is away, unless it was waited for: %s', async (_, ms, asked) => {
    let clock = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => clock);
    let tries = 0;
    const services = new SupervisedServices(() => {
      tries += 1;
      clock += ms;
      return Promise.reject(new Error('there is none'));
    });
    await expect(services.list()).rejects.toMatchObject({ code: 'unavailable' });
    expect(tries).toBe(asked);
  });
});
