import { standIn } from '../../../../test/support/stand-in.js';
import type { ExecutionsRepository } from '../../../executions/record/executions.repository.js';
import { WaitingImages, waitingImage } from './waiting-images.js';

describe('WaitingImages', () => {
  it('gives up those of executions that are over or gone, and no other one', async () => {
    const names = ['over', 'gone', 'waits'].map((id) => waitingImage(id, 'sha256:12'));
    const dropped: string[] = [];
    const asked: string[] = [];
    const images = new WaitingImages(
      {
        keptNames: async (prefix) => {
          asked.push(prefix);
          return names;
        },
        dropImage: async (name) => void dropped.push(name),
      },
      standIn<ExecutionsRepository>({
        holdStates: async (ids) =>
          ids
            .filter((id) => id !== 'gone')
            .map((_id) => ({
              ...{ _id, attempt: 1, cancel_requested: null },
              status: _id === 'over' ? ('success' as const) : ('waiting' as const),
            })),
      }),
    );
    await images.round();
    expect(asked).toEqual(['waits.']);
    expect(dropped).toEqual(['waits.over.12', 'waits.gone.12']);
  });
});
