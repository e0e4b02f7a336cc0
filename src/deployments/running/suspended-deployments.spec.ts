import { standIn } from '../../../test/support/stand-in.js';
import type { ExecutionsRepository } from '../../executions/record/executions.repository.js';
import type { Deployment } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import {
  endWithExecution,
  SuspendedDeployments,
  type WaitingExecution,
} from './suspended-deployments.js';

describe('a suspended deployment', () => {
  const at = (attempt: number): WaitingExecution['suspension'] => ({ attempt });

  it.each<[string, WaitingExecution | undefined, string | undefined]>([
    ['its attempt still runs', { status: 'running', attempt: 2 }, undefined],
    ['it waits', { status: 'waiting', attempt: 2, suspension: at(2) }, undefined],
    ['it is to continue', { status: 'pending', attempt: 2, suspension: at(2) }, undefined],
    ['it continues', { status: 'running', attempt: 3, suspension: at(2) }, undefined],
    [
      'it waits with another one',
      { status: 'waiting', attempt: 3, suspension: at(3) },
      'worker_lost',
    ],
    [
      'an earlier wait is where it begins',
      { status: 'running', attempt: 3, suspension: at(1) },
      'worker_lost',
    ],
    ['its worker was lost', { status: 'pending', attempt: 2 }, 'worker_lost'],
    ['it began again', { status: 'running', attempt: 3 }, 'worker_lost'],
    ['it is over', { status: 'failed', attempt: 2, suspension: at(2) }, 'execution_over'],
    ['it is gone', undefined, 'execution_over'],
  ])('ends with its execution: %s', (_what, execution, code) => {
    expect(endWithExecution(2, execution)?.reason.code).toBe(code);
  });

  it('is ended once, and not when somebody has taken it', async () => {
    const store = new MemoryDeploymentStore();
    const executions = standIn<ExecutionsRepository>({
      holdStates: async (ids) =>
        ids.map((_id) => ({
          ...{ _id, attempt: 1, cancel_requested: null },
          status: _id === 'over' ? ('cancelled' as const) : ('waiting' as const),
          suspension: { attempt: 1 },
        })),
    });
    const suspended = new SuspendedDeployments(store, executions);
    const put = (_id: string, execution_id: string): Deployment => {
      const one = standIn<Deployment>({
        ...{ _id, execution_id, fence: 1, suspended_in: 1, status: 'waiting', service_id: 'a/b' },
        logs: ['it waits'],
      });
      store.deployments.set(_id, one);
      return one;
    };
    const all = [put('1', 'over'), put('2', 'waits'), put('3', 'over')];
    await store.take({ _id: '3', fence: 1 }, 'w');
    await suspended.endAbandoned(all);
    const now = [...store.deployments.values()].map(({ status }) => status);
    expect(now).toEqual(['cancelled', 'waiting', 'waiting']);
    expect(store.deployments.get('1')).toMatchObject({
      ...{ suspended_in: null, reason: { code: 'execution_over' } },
      logs: ['it waits', expect.stringContaining('its execution ended while it waited')],
    });
    const reason = { code: 'x', message: 'no hunter-22', data: { said: 'hunter-22' } };
    const mask = (text: string): string => text.replaceAll('hunter-22', '***');
    await suspended.end(put('4', 'waits'), { status: 'failed', reason }, mask);
    expect(store.deployments.get('4')).toMatchObject({
      reason: { message: 'no ***', data: { said: '***' } },
      logs: ['it waits', 'no ***'],
    });
  });
});
