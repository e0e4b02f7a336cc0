import { standIn } from '../../../test/support/stand-in.js';
import type { EnvironmentsService } from '../../environments/environments.service.js';
import type { Environment } from '../../environments/environment.js';
import type { SuspendedWaits } from '../approvals/suspended-waits.js';
import type { Deployment, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import { EnvironmentPages } from './environment-pages.js';

describe('EnvironmentPages', () => {
  let store: MemoryDeploymentStore;
  let configured: boolean;
  let pages: EnvironmentPages;
  let removed: string[];

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    configured = true;
    removed = [];
    pages = new EnvironmentPages(
      standIn<EnvironmentsService>({
        find: () => Promise.resolve(configured ? ({} as Environment) : undefined),
        remove: (name) => {
          if (!configured) return Promise.reject(new Error('it has no limits'));
          return Promise.resolve(void removed.push(name));
        },
      }),
      store,
      standIn<SuspendedWaits>({ lookAtAll: () => Promise.resolve() }),
    );
  });

  const deploy = (name: string, more: Partial<Service> = {}): void => {
    const _id = `production/${name}`;
    store.serviceRecords.set(_id, {
      ...{ _id, name, environment: 'production', status: 'running', release_id: 'r', ...more },
    } as Service);
  };

  it('takes no rules away that protect what is deployed there, unless that is asked for', async () => {
    for (const name of ['shop', 'api']) deploy(name);
    await expect(pages.remove('production', false)).rejects.toMatchObject({
      message:
        'The rules of production protect what is deployed there: production/api, production/shop.',
      suggestions: expect.arrayContaining([
        expect.stringContaining('keep_services=true') as string,
      ]) as string[],
    });
    expect(removed).toEqual([]);
    await pages.remove('production', true);
    expect(removed).toEqual(['production']);
  });

  it('takes none away either while the first release of something waits to be deployed', async () => {
    deploy('shop', { release_id: null });
    store.deployments.set('d', {
      ...{ _id: 'd', environment: 'production', service_id: 'production/shop', status: 'waiting' },
    } as Deployment);
    await expect(pages.remove('production', false)).rejects.toThrow('production/shop');
    expect(removed).toEqual([]);
  });

  it('takes them away where nothing is deployed, and says where there are none', async () => {
    deploy('shop', { status: 'removed' });
    // Its first deployment came to nothing.
    deploy('api', { release_id: null });
    await pages.remove('production', false);
    expect(removed).toEqual(['production']);
    deploy('shop');
    configured = false;
    await expect(pages.remove('production', false)).rejects.toThrow('it has no limits');
  });
});
