import type { RunState } from '../plan/run-state.js';
import { IllegalMoveError } from '../plan/run-status.js';
import { reason } from './reasons.js';
import { RunStateStore, type StepRef } from './run-state-store.js';

const why = reason('started', 'because');
const first: StepRef = { list: 'stages', stage: 0, step: 0 };
const initial: RunState = {
  status: 'pending',
  checkout: { name: 'checkout', status: 'pending', attempts: [] },
  stages: [
    {
      name: 'a',
      status: 'waiting',
      steps: [
        { name: 'x', status: 'waiting', attempts: [] },
        { name: 'y', status: 'waiting', attempts: [] },
      ],
    },
    { name: 'b', status: 'waiting', steps: [{ name: 'z', status: 'waiting', attempts: [] }] },
  ],
  onFailure: [],
  always: [{ name: 'h', status: 'waiting', attempts: [] }],
};

function storeOf(): { store: RunStateStore; published: RunState[]; at: (time: number) => void } {
  const published: RunState[] = [];
  let time = 10;
  const store = new RunStateStore(
    initial,
    () => time,
    (state) => published.push(state),
  );
  return { store, published, at: (next) => (time = next) };
}

describe('run state store', () => {
  it('publishes what it began with', () => {
    const { store, published } = storeOf();
    expect(store.flush()).toEqual(initial);
    expect(published).toEqual([initial]);
  });

  it('publishes nothing when nothing changed', () => {
    const { store, published } = storeOf();
    expect(store.flush()).toBe(store.flush());
    expect(published).toHaveLength(1);
  });

  it('never changes what it published, and shares what stayed', () => {
    const { store } = storeOf();
    const before = store.flush();
    store.moveStep(first, 'running', { reason: why });
    const after = store.flush();
    expect(before).toEqual(initial);
    expect(after.stages[0]?.steps[0]?.status).toBe('running');
    expect(after.stages[0]?.steps[1]).toBe(before.stages[0]?.steps[1]);
    expect(after.stages[1]).toBe(before.stages[1]);
  });

  it('writes the times of begin and end', () => {
    const { store, at } = storeOf();
    store.moveStep(first, 'running', { reason: why });
    at(20);
    store.moveStep(first, 'waiting', { reason: why });
    store.moveStep(first, 'running', { reason: why });
    at(30);
    store.moveStep(first, 'success', { reason: why });
    expect(store.step(first)).toMatchObject({ startedAt: 10, finishedAt: 30 });
    const second: StepRef = { list: 'stages', stage: 0, step: 1 };
    store.moveStep(second, 'skipped', { reason: why });
    expect(store.step(second)).not.toHaveProperty('finishedAt');
  });

  it.each<[string, (store: RunStateStore) => void]>([
    ['step', (store) => store.moveStep(first, 'success', { reason: why })],
    ['checkout', (store) => store.moveStep({ list: 'checkout' }, 'success', { reason: why })],
    ['hook', (store) => store.moveStep({ list: 'always', step: 0 }, 'success', { reason: why })],
    ['stage', (store) => store.moveStage(0, 'success', why)],
    ['run', (store) => store.moveRun('success')],
  ])('refuses an illegal move of a %s', (_title, move) => {
    const { store } = storeOf();
    expect(() => move(store)).toThrow(IllegalMoveError);
    expect(store.flush()).toEqual(initial);
  });

  it('changes nothing that is terminal', () => {
    const { store } = storeOf();
    store.moveStep(first, 'cancelled', { reason: why });
    store.moveStage(0, 'cancelled', why);
    expect(() => store.changeStep(first, { exitCode: 1 })).toThrow('cannot change');
    expect(() => store.moveStep(first, 'running', { reason: why })).toThrow(IllegalMoveError);
    expect(() => store.explainStage(0, why)).toThrow('cannot change');
  });
});
