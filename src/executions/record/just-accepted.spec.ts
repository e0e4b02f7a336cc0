import { pendingExecution } from './execution.fixture.js';
import { JustAccepted } from './just-accepted.js';

describe('JustAccepted', () => {
  let now: number;
  let accepted: JustAccepted;

  beforeEach(() => {
    now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    accepted = new JustAccepted();
  });
  afterEach(() => jest.restoreAllMocks());

  it('knows an execution for a second', () => {
    const one = pendingExecution();
    accepted.add(one);
    now = 999;
    expect(accepted.find(one._id)).toBe(one);
    now = 1_000;
    expect(accepted.find(one._id)).toBeUndefined();
    expect(accepted.find('other')).toBeUndefined();
  });

  it('keeps the newest 64', () => {
    const all = Array.from({ length: 300 }, () => pendingExecution());
    for (const each of all) accepted.add(each);
    const found = all.map(({ _id }) => accepted.find(_id) !== undefined);
    expect(found.indexOf(true)).toBe(236);
    expect(found.filter(Boolean)).toHaveLength(64);
  });
});
