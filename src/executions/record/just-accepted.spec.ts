import { pendingExecution } from './execution.fixture.js';
import { JustAccepted } from './just-accepted.js';

describe('JustAccepted', () => {
  let accepted: JustAccepted;

  beforeEach(() => {
    jest.useFakeTimers();
    accepted = new JustAccepted();
  });
  afterEach(() => jest.useRealTimers());

  it('knows an execution for a second', () => {
    const one = pendingExecution();
    accepted.add(one);
    jest.advanceTimersByTime(999);
    expect(accepted.find(one._id)).toEqual(one);
    jest.advanceTimersByTime(1);
    expect(accepted.find(one._id)).toBeUndefined();
    expect(accepted.find('other')).toBeUndefined();
  });

  it('keeps nothing that is sealed in the store', () => {
    const one = pendingExecution({
      ...{ inputs: { token: 'S3CRET' }, environment: { TOKEN: 'S3CRET' } },
      ...{ clone_url: 'https://me:S3CRET@git.example/', payload: '{"token":"S3CRET"}' },
    });
    accepted.add(one);
    expect(JSON.stringify(accepted.find(one._id))).not.toContain('S3CRET');
  });

  it('keeps the newest 64', () => {
    const all = Array.from({ length: 100 }, () => pendingExecution());
    for (const each of all) accepted.add(each);
    const found = all.map(({ _id }) => accepted.find(_id) !== undefined);
    expect(found.indexOf(true)).toBe(36);
    expect(found.filter(Boolean)).toHaveLength(64);
    expect(jest.getTimerCount()).toBe(64);
  });
});
