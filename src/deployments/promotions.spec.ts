import { standIn } from '../../test/support/stand-in.js';
import type { Principal } from '../auth/principals/principal.js';
import { Promotions, type Promotion } from './promotions.js';
import type { Deployment, Release, RoutedSettings, Service } from './record/deployment.js';
import { MemoryDeploymentStore } from './record/memory-deployment-store.fixture.js';
import type { DeploymentGate } from './running/approval-gate.js';

const BY = { id: 'bob' } as Principal;
const GATE = { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 };

describe.each(['docker_container', 'local_service'] as const)(
  'the promotion of a program: %s',
  (type) => {
    let store: MemoryDeploymentStore;
    let promotions: Promotions;

    beforeEach(() => {
      store = new MemoryDeploymentStore();
      const refusal = (): Promise<undefined> => Promise.resolve(undefined);
      promotions = new Promotions(store, standIn<DeploymentGate>({ refusal }));
      serve('staging', { variables: 'of staging', secrets: ['A'], taken });
    });
    const taken = [{ name: 'A', secret_id: 'global:A', set_at: new Date(7) }];

    const serve = (environment: string, more: Partial<RoutedSettings>): void => {
      const id = `${environment}/shop`;
      const settings = {
        ...{ type, service_id: id, keep: 5, published: { address: '127.0.0.1', port: 8080 } },
        ...{ image: 'shop:1', image_id: 'i', gate: GATE, drain: 0, watch: 60_000, ...more },
      } as unknown as RoutedSettings;
      store.releases.set(id, {
        ...{ _id: id, service_id: id, number: 1, type, status: 'serving', settings, host: 'h' },
        ...{ deployment_id: `d-${id}`, digest: 'sha256:i', execution_id: 'e', commit: 'c' },
      } as Release);
      store.deployments.set(`d-${id}`, {
        ...{ _id: `d-${id}`, request_key: `d-${id}`, release_id: id, environment, settings },
        ...{ service: 'shop', service_id: id, status: 'success' },
      } as Deployment);
      store.serviceRecords.set(id, {
        ...{ _id: id, name: 'shop', environment, service_type: type, host: 'h', active: null },
        release_id: id,
        place: environment === 'production' ? 'h:port 9090' : 'h:port 8080',
        ...{ turns: 1, releases: 1 },
      } as Service);
    };
    const promote = (asked: Partial<Promotion> = {}): Promise<Deployment> =>
      promotions.promote(
        'd-staging/shop',
        {
          ...{ environment: 'production', path: undefined, published: undefined },
          ...{ currentEnvironment: false, ...asked },
        },
        BY,
      );
    const refusal = async (asked: Partial<Promotion>): Promise<string> =>
      promote(asked).then(String, (error: Error) => error.message);

    it('is the same release, by another name, where it is asked for', async () => {
      const first = await promote();
      expect(first.settings).toMatchObject({
        ...{ type, service_id: 'production/shop', variables: 'of staging', secrets: ['A'], taken },
        ...{ watch: 60_000, published: { address: '127.0.0.1' } },
      });
      expect(first).toMatchObject({ kind: 'promote', source_release_id: 'staging/shop', type });
      const published = { domain: 'shop.example' };
      expect((await promote({ published })).settings).toMatchObject({ published });
    });

    it('stays where it is reached there, and has its variables only where that is asked for', async () => {
      const published = { address: '0.0.0.0', port: 9090 };
      serve('production', { published, keep: 2, variables: 'of production', secrets: ['B'] });
      expect((await promote()).settings).toMatchObject({
        ...{ published, keep: 2, variables: 'of staging', secrets: ['A'] },
      });
      expect((await promote({ currentEnvironment: true })).settings).toMatchObject({
        ...{ published, variables: 'of production', secrets: ['B'] },
      });
      serve('production', { published, variables: 'of production' });
      // All of them are secrets.
      expect((await promote({ currentEnvironment: true })).settings).not.toHaveProperty('secrets');
      expect(await refusal({ published: { address: '127.0.0.1', port: 1 } })).toContain('lives at');
    });

    it('says what cannot be', async () => {
      expect(await refusal({ path: '/srv/shop' })).toContain('has no path');
      expect(await refusal({ currentEnvironment: true })).toContain('Nothing serves in production');
      serve('production', {});
      const known = store.serviceRecords.get('production/shop');
      if (known === undefined) throw new Error('it is there');
      store.serviceRecords.set(known._id, { ...known, service_type: 'local_directory' });
      expect(await refusal({})).toContain('is a local_directory');
    });
  },
);
