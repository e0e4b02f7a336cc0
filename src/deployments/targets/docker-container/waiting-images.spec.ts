import { standIn } from '../../../../test/support/stand-in.js';
import type { ExecutionsRepository } from '../../../executions/record/executions.repository.js';
import type { Deployment } from '../../record/deployment.js';
import type { DeploymentStore } from '../../record/deployment-store.js';
import { WaitingImages, waitingImage } from './waiting-images.js';

describe('WaitingImages', () => {
  it('gives up those of executions and deployments that are over or gone, and no other one', async () => {
    const names = ['over', 'gone', 'waits', 'd-over', 'd-waits'].map((id) =>
      waitingImage(id, 'sha256:12'),
    );
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
            .filter((id) => id !== 'gone' && !id.startsWith('d-'))
            .map((_id) => ({
              ...{ _id, attempt: 1, cancel_requested: null },
              status: _id === 'over' ? ('success' as const) : ('waiting' as const),
            })),
      }),
      standIn<DeploymentStore>({
        deploymentsWith: async (ids) =>
          new Map(
            ids
              .filter((id) => id.startsWith('d-'))
              .map((_id) => {
                const status = _id === 'd-over' ? 'failed' : 'waiting';
                return [_id, { _id, status } as Deployment];
              }),
          ),
      }),
    );
    await images.round();
    expect(asked).toEqual(['waits.']);
    expect(dropped).toEqual(['waits.over.12', 'waits.gone.12', 'waits.d-over.12']);
  });
});
