import { testKeyring } from '../../secrets/encryption/keyring.fixture.js';
import { BrokenSealError, MissingKeyError } from '../../secrets/encryption/keyring.js';
import { pendingExecution } from './execution.fixture.js';
import { mustBeReadable, openedExecution, sealedExecution } from './sealed-execution.js';

const keyring = testKeyring();
const given = {
  inputs: { n: 1 },
  environment: { PASSWORD: 'hunter2' },
  clone_url: 'https://u:hunter2@git.test/a/b',
  payload: '{"password": "hunter2"}',
};

describe('what the trigger of an execution gave', () => {
  const execution = pendingExecution(given);
  const stored = sealedExecution(keyring, execution);

  it('is stored sealed, for this execution only', () => {
    expect(JSON.stringify(stored)).not.toContain('hunter2');
    for (const name of Object.keys(given)) expect(stored).not.toHaveProperty(name);
    expect(openedExecution(keyring, stored)).toEqual(execution);
    const moved = openedExecution(keyring, { ...stored, _id: 'another' });
    expect(moved.unreadable).toBeInstanceOf(BrokenSealError);
  });

  it('is not there without its key, but the execution is', () => {
    const opened = openedExecution(testKeyring('k2'), stored);
    const nothing = { inputs: {}, environment: {}, clone_url: null };
    expect(opened).toMatchObject({ ...nothing, _id: execution._id, status: 'pending' });
    expect(() => mustBeReadable(opened)).toThrow(new MissingKeyError('k1'));
  });

  it('of older versions is in clear', () => {
    const { _id } = execution;
    const old = { ...execution, environment: [{ name: 'PASSWORD', value: 'hunter2' }] };
    const opened = openedExecution(keyring, old as never);
    expect(opened).toMatchObject({ _id, ...given });
    expect(opened.unreadable).toBeUndefined();
  });
});
