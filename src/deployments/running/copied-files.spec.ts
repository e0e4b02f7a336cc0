import { Leases } from '../../leases/leases.js';
import { MemoryLeaseStore } from '../../leases/memory-lease-store.js';
import type { PortLeases } from '../../ports/port-leases.js';
import type { ServiceRemoval } from '../../service-registry/service-removal.js';
import { InstanceTurns } from '../running/instance-turns.js';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { standIn } from '../../../test/support/stand-in.js';
import { principalOf } from '../../auth/principals/principal.js';
import { packTree } from '../../common/archive/pack-tree.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { installationOf } from '../../common/installation.fixture.js';
import { Globs } from '../../common/values/globs/globs.js';
import type { Reason } from '../../engine/plan/run-state.js';
import type { DeploymentCause } from '../../environments/approval.js';
import type { StepFiles } from '../../executions/attempt/steps/deployer.js';
import { Promotions } from '../promotions.js';
import {
  type Deployment,
  notBegun,
  type Release,
  type DirectorySettings,
} from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { ReleaseEnvironments } from './release-environments.js';
import type { DeployTarget } from '../targets/deploy-target.js';
import { DeployTargets } from '../targets/deploy-targets.js';
import { DeployFolders } from '../targets/local-directory/deploy-folders.js';
import { LocalDirectoryTarget } from '../targets/local-directory/local-directory.target.js';
import type { DeploymentGate } from './approval-gate.js';
import type { DirectSources } from './direct-sources.js';
import { OwnDeployments } from './own-deployments.js';

const BY = principalOf({ id: 'bob', kind: 'user', role: 'developer' });
const CAUSE: DeploymentCause = {
  ...{ deployer: 'ada', accounts: ['ada'], names: ['Ada L.'], branch: 'main', plan_hash: 'p' },
};

const ASKED = { published: undefined, currentEnvironment: false };

describe('a promotion', () => {
  let base: string;
  let store: MemoryDeploymentStore;
  let own: OwnDeployments;
  let promotions: Promotions;
  let refusal: Reason | undefined;
  let asked: DeploymentCause | undefined;

  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'promotion-')));
    chmodSync(base, 0o755);
    for (const name of ['sites', 'made/css', 'scratch'])
      mkdirSync(join(base, name), { recursive: true });
    writeFileSync(join(base, 'made/run'), 'one');
    chmodSync(join(base, 'made/run'), 0o755);
    writeFileSync(join(base, 'made/css/a.css'), 'c'.repeat(2 ** 21));
    store = new MemoryDeploymentStore();
    refusal = undefined;
    const folders = new DeployFolders([join(base, 'sites')]);
    const target = new LocalDirectoryTarget(folders, installationOf('here'), join(base, 'scratch'));
    const gate = standIn<DeploymentGate>({
      refusal: (_environment, cause) => {
        asked = cause;
        return Promise.resolve(refusal);
      },
      look: () => Promise.resolve({ kind: 'open' }),
    });
    const targets = new DeployTargets(
      {
        local_directory: target,
        docker_container: standIn<DeployTarget>({}),
        local_service: standIn<DeployTarget>({}),
      },
      target,
    );
    own = new OwnDeployments(
      ...([store, targets, gate] as const),
      new InstanceTurns(new Leases(new MemoryLeaseStore())),
      standIn<ServiceRemoval>({}),
      standIn<ReleaseEnvironments>({}),
      standIn<DirectSources>({}),
      standIn<PortLeases>({}),
    );
    promotions = new Promotions(store, gate);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const source: StepFiles = {
    packed: ({ exclude, limits, onFile }, signal, work) => {
      const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
      const scratch = join(base, 'scratch');
      return work(packTree(join(base, 'made'), { globs, limits, onFile, signal, scratch }));
    },
  };
  const at = (...names: string[]): string => join(base, 'sites', ...names);
  const run = (deployment: Deployment, more: { source?: StepFiles } = {}): Promise<Deployment> =>
    own.run(deployment, { signal: new AbortController().signal, ...more });
  const deploy = async (
    execution: string,
    more: Partial<DirectorySettings> = {},
  ): Promise<Deployment> => {
    const _id = uuidV7();
    const settings: DirectorySettings = {
      ...{ type: 'local_directory', path: at('staging'), keep: 1, exclude: [], shared: ['up'] },
      ...{ permissions: {}, ...more },
    };
    const place = { environment: 'staging', service_id: 'staging/shop', host: hostname() };
    const accepted = await store.accept(
      {
        ...{ _id, request_key: _id, kind: 'deploy', ...place, service: 'shop', settings },
        ...{ type: 'local_directory', worker_id: 'w', fence: 1, release_id: null, cause: CAUSE },
        ...{ execution_id: execution, pipeline_id: 'p', pipeline_name: 'shop', stage: null },
        ...{
          step: null,
          commit: 'c',
          branch: 'main',
          triggered_by: 'ada',
          ...notBegun(new Date()),
        },
      },
      {
        ...{ _id: 'staging/shop', id: 's', name: 'shop', environment: 'staging', host: hostname() },
        ...{ service_type: 'local_directory', place: `${hostname()}:${settings.path}` },
        ...{ status: 'starting', release_id: null, deployment_id: null },
        ...{ created_at: new Date(0), updated_at: new Date(0) },
      },
    );
    return run(accepted, { source });
  };
  const promote = (
    { _id }: Deployment,
    path: string | undefined = at('production'),
  ): Promise<Deployment> =>
    promotions.promote(_id, { ...ASKED, environment: 'production', path }, BY);
  const releaseOf = async ({ release_id: id }: Deployment): Promise<Release | undefined> =>
    store.release(id ?? '');

  it('is the same release, digest for digest, and stands by itself', async () => {
    const made = await deploy('e1');
    const ended = await run(await promote(made));
    expect(ended).toMatchObject({ status: 'success', kind: 'promote', triggered_by: 'bob' });
    const [from, to] = [await releaseOf(made), await releaseOf(ended)];
    expect(to).toMatchObject({
      ...{ digest: from?.digest, number: 1, service_id: 'production/shop', status: 'serving' },
      ...{ commit: 'c', execution_id: 'e1', dated_by: 'e1' },
    });
    rmSync(at('staging'), { recursive: true });
    expect(readFileSync(at('production/current/run'), 'utf8')).toBe('one');
    expect(statSync(at('production/current/run')).mode & 0o777).toBe(0o755);
    expect(readlinkSync(at('production/current/up'))).toBe('../../shared/up');
  });

  it('goes by who promotes, and by who stands behind the release', async () => {
    const made = await deploy('e1');
    await promote(made);
    expect(asked).toEqual({ ...CAUSE, deployer: 'bob', accounts: ['bob', 'ada'] });
    refusal = { code: 'deployer_not_allowed', message: 'no' };
    await expect(promote(made)).rejects.toMatchObject({
      ...{ status: 403, details: { code: 'deployer_not_allowed' } },
    });
  });

  it.each<[string, () => void, string]>([
    ['was changed', () => writeFileSync(at('staging/releases/1/run'), 'x'), 'release_changed'],
    ['is gone', () => rmSync(at('staging/releases/1'), { recursive: true }), 'release_gone'],
  ])('changes nothing where the release %s', async (_what, change, code) => {
    const asked = await promote(await deploy('e1'));
    change();
    expect(await run(asked)).toMatchObject({ status: 'failed', reason: { code } });
    expect((await store.service('production/shop'))?.release_id).toBeNull();
  });

  it('changes nothing where the copy is not the same', async () => {
    const made = await deploy('e1');
    const asked = await promote(made);
    // As it would be where the settings of the release had come to mean something else.
    const other = { ...asked, settings: { ...asked.settings, permissions: { files: 0o600 } } };
    const ended = await run(other);
    expect(ended).toMatchObject({ status: 'failed', reason: { code: 'digest_differs' } });
    expect((await releaseOf(ended))?.status).toBe('failed');
  });

  it('is as old as its execution', async () => {
    const old = await deploy('e1', { keep: 5 });
    writeFileSync(join(base, 'made/run'), 'two');
    await run(await promote(await deploy('e2', { keep: 5 })));
    const back = await run(await promote(old));
    expect(back).toMatchObject({ status: 'failed', reason: { code: 'older_execution' } });
  });

  it('stays where the service lives, and says what cannot be', async () => {
    const made = await deploy('e1');
    const refused = async (more: () => Promise<Deployment>): Promise<string> =>
      more().then(String, (error: Error) => error.message);
    const to = (environment: string, path?: string): Promise<Deployment> =>
      promotions.promote(made._id, { ...ASKED, environment, path }, BY);
    expect(await refused(() => to('production'))).toContain('name its path');
    expect(await refused(() => to('staging'))).toContain('in staging already');
    expect(await refused(() => to('production', at('staging')))).toMatch(/belongs to|place/);
    await run(await promote(made));
    expect((await to('production')).settings).toMatchObject({ path: at('production') });
    expect(await refused(() => to('production', at('elsewhere')))).toContain('lives at');
    const over = await store.release(made.release_id ?? '');
    await store.changeRelease(over?._id ?? '', { status: 'removed' });
    expect(await refused(() => to('production'))).toContain('no release that has served');
  });
});
