import { standIn } from '../../../test/support/stand-in.js';
import type { HeldLease } from '../../leases/held-lease.js';
import type { Leases } from '../../leases/leases.js';
import type { Deployment, Release, ReleaseStatus } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { SealedTexts } from '../record/sealed-texts.js';
import { SealedTextsUpkeep } from './sealed-texts-upkeep.js';

const HOUR_MS = 3_600_000;

describe('SealedTextsUpkeep', () => {
  let store: MemoryDeploymentStore;
  let removed: string[];
  let askedBefore: number | undefined;
  let texts: readonly string[];

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    [removed, askedBefore] = [[], undefined];
  });

  const release = (id: string, status: ReleaseStatus, variables: string): void => {
    const settings = { type: 'docker_container', variables };
    store.releases.set(id, { _id: id, status, settings } as Release);
  };
  const round = async (): Promise<void> => {
    const sealed = standIn<SealedTexts>({
      idsBefore: (at) => {
        askedBefore = at.getTime();
        return Promise.resolve(texts);
      },
      remove: (id) => {
        removed.push(id);
        return Promise.resolve();
      },
    });
    const lease = standIn<HeldLease>({ release: () => Promise.resolve() });
    const leases = standIn<Leases>({ take: () => Promise.resolve(lease) });
    await new SealedTextsUpkeep(store, sealed, leases).round(10 * HOUR_MS);
  };

  it('removes what no release can serve with, and no deployment will', async () => {
    texts = ['serving', 'kept', 'asked', 'key', 'failed', 'removed', 'nobody'];
    release('1', 'serving', 'serving');
    release('2', 'kept', 'kept');
    release('3', 'failed', 'failed');
    release('4', 'removed', 'removed');
    const ssh = { host: 'web', port: 22, user: 'deploy', identity: 'key' };
    const folder = { _id: '5', status: 'draining', settings: { type: 'local_directory', ssh } };
    store.releases.set('5', folder as unknown as Release);
    const settings = { type: 'docker_container', variables: 'asked' };
    store.deployments.set('d', { _id: 'd', status: 'waiting', settings } as Deployment);
    await round();
    expect(removed).toEqual(['failed', 'removed', 'nobody']);
  });

  it('leaves what may belong to a deployment that is not recorded yet', async () => {
    texts = [];
    await round();
    expect(askedBefore).toBe(9 * HOUR_MS);
  });
});
