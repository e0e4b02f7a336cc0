import { standIn } from '../../../test/support/stand-in.js';
import type { Principal } from '../../auth/principals/principal.js';
import type { MillraceError } from '../../common/errors/millrace.error.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { nameRecord } from '../../common/values/name-record.js';
import type { DeploymentCause } from '../../environments/approval.js';
import { artifact } from '../../executions/artifacts/artifact.fixture.js';
import type { Artifact } from '../../executions/artifacts/artifact.js';
import { objectKey } from '../../integrations/object-store/object-key.js';
import type { ExecutionRecord } from '../../executions/record/execution.schema.js';
import type { ResolvedSecrets } from '../../secrets/store/secrets.service.js';
import type { WorkerRecord } from '../../workers/worker.schema.js';
import type { Deployment, Release, Service } from '../record/deployment.js';
import { MemoryDeploymentStore } from '../record/memory-deployment-store.fixture.js';
import type { TakenSecret } from '../../secrets/store/taken-secret.js';
import type { SealedTexts } from '../record/sealed-texts.js';
import type { DeploymentGate } from '../running/approval-gate.js';
import { DirectArtifacts } from './direct-artifacts.js';
import { type AskedDeployment, DirectDeployments } from './direct-deployments.js';
import { DirectHosts } from './direct-hosts.js';
import { DirectSecrets } from './direct-secrets.js';

const BY = { id: 'bob' } as Principal;
const EXECUTION = '019a0000-0000-7000-8000-000000000001';
const IMAGE = { type: 'docker_container', service: 'shop', image: 'shop:1', publish: 8080 };
const SITE = { type: 'local_directory', service: 'site', path: '/srv/site/', source: 'dist' };

describe('DirectDeployments', () => {
  let store: MemoryDeploymentStore;
  let direct: DirectDeployments;
  let workers: { readonly host: string }[];
  let ended: { readonly host: string }[];
  let secrets: ResolvedSecrets;
  let texts: string[];
  let cause: DeploymentCause | undefined;
  let isRefused: boolean;
  let artifacts: Artifact[];
  let execution: Partial<ExecutionRecord>;

  beforeEach(() => {
    store = new MemoryDeploymentStore();
    workers = [{ host: 'h' }, { host: 'h' }];
    ended = [];
    secrets = { kind: 'values', values: nameRecord([]), taken: [] };
    texts = [];
    isRefused = false;
    artifacts = [artifact({ name: 'site' }), artifact({ name: 'site', path: 'dist/b' })];
    execution = {
      ...{ _id: EXECUTION, pipeline_id: 'p', pipeline_name: 'build', attempt: 1, plan_hash: 'x' },
      trigger_info: {
        ...{ trigger_type: 'manual', triggered_by: '019a0000-0000-7000-8000-0000000000aa' },
        ...{ branch: 'main', commit_hash: 'c1' },
      },
    } as Partial<ExecutionRecord>;
    const sealed = standIn<SealedTexts>({
      find: (id) => Promise.resolve(texts[Number(id)]),
      add: (text) => Promise.resolve(String(texts.push(text) - 1)),
    });
    const gate = standIn<DeploymentGate>({
      refusal: (_environment, of) => {
        cause = of;
        const reason = { code: 'deployer_not_allowed', message: 'not bob' };
        return Promise.resolve(isRefused ? reason : undefined);
      },
    });
    const known = (): Promise<WorkerRecord[]> => Promise.resolve(workers as WorkerRecord[]);
    direct = new DirectDeployments(
      ...([store, gate] as const),
      new DirectHosts({ live: known, list: async () => [...workers, ...ended] as WorkerRecord[] }),
      new DirectSecrets({ resolveGlobal: () => Promise.resolve(secrets) }),
      new DirectArtifacts(
        { find: (id) => Promise.resolve(id === EXECUTION ? (execution as ExecutionRecord) : null) },
        { ofExecution: () => Promise.resolve(artifacts) },
      ),
      sealed,
    );
  });

  const deploy = (asked: object, more: Partial<AskedDeployment> = {}): Promise<Deployment> =>
    direct.deploy(
      { deploy: asked, artifact: undefined, host: undefined, ...more },
      ...([BY, { id: uuidV7(), repeated: false }] as const),
    );
  const refusal = async (asked: object, more: Partial<AskedDeployment> = {}): Promise<string> =>
    deploy(asked, more).then(String, (error: Error) => error.message);
  const site = { artifact: { executionId: EXECUTION, name: 'site' } };
  const serve = (more: Partial<Service>): void => {
    store.serviceRecords.set('default/shop', {
      ...{ _id: 'default/shop', name: 'shop', environment: 'default', host: 'h', active: null },
      ...{ service_type: 'docker_container', place: 'h:port 8080', release_id: 'r' },
      ...{ turns: 1, releases: 1, ...more },
    } as Service);
    store.releases.set('r', { _id: 'r', settings: { type: 'docker_container' } } as Release);
  };

  it('asks for an image, whose variables are sealed with the secrets', async () => {
    const [token, other] = ['TOKEN', 'OTHER'].map((name) => ({
      ...{ name, secret_id: `global:${name}`, set_at: new Date(7) },
    })) as [TakenSecret, TakenSecret];
    secrets = {
      ...{ kind: 'values', values: nameRecord([['TOKEN', 'hidden']]) },
      // As of a step, whose run has those of others, too.
      taken: [other, token],
    };
    const asked = { ...IMAGE, variables: { A: '1' }, secrets: ['TOKEN'], port: 80, pull: 'always' };
    expect(await deploy(asked)).toMatchObject({
      ...{
        kind: 'deploy',
        service_id: 'default/shop',
        host: 'h',
        worker_id: null,
        status: 'pending',
      },
      ...{ triggered_by: 'bob', execution_id: null, commit: null, step: null },
      direct: { image: { pull: 'always', port: 80 }, may_be_older: false },
      settings: {
        image: 'shop:1',
        image_id: '',
        variables: '0',
        secrets: ['TOKEN'],
        taken: [token],
      },
      cause: { deployer: 'bob', accounts: ['bob'], branch: null },
    });
    expect(texts).toEqual(['{"A":"1","TOKEN":"hidden"}']);
    expect(store.serviceRecords.get('default/shop')).toMatchObject({ place: 'h:port 8080' });
  });

  it('asks for an artifact, with those who stand behind its execution', async () => {
    const asked = await deploy({ ...SITE, allow_older: true }, site);
    expect(asked).toMatchObject({
      ...{ execution_id: EXECUTION, pipeline_id: 'p', pipeline_name: 'build', commit: 'c1' },
      settings: { path: '/srv/site' },
      direct: {
        artifact: { dated_by: EXECUTION, shown: 'build/pack, attempt 1', source: 'dist' },
        may_be_older: true,
      },
    });
    expect(cause).toMatchObject({
      ...{ deployer: 'bob', plan_hash: 'x' },
      accounts: ['bob', '019a0000-0000-7000-8000-0000000000aa'],
    });
    execution = { ...execution, rerun_of: 'first' };
    expect((await deploy(SITE, site)).direct?.artifact?.dated_by).toBe('first');
  });

  it('has its place said by its worker where the folder is relative', async () => {
    await deploy({ ...SITE, path: 'site' }, site);
    expect(store.serviceRecords.get('default/site')?.place).toBe('nowhere default/site');
  });

  it('is one, however often it is asked for under one reservation', async () => {
    const id = uuidV7();
    const asked = { deploy: IMAGE, artifact: undefined, host: undefined };
    const first = await direct.deploy(asked, BY, { id, repeated: false });
    workers = [];
    expect(await direct.deploy(asked, BY, { id, repeated: true })).toEqual(first);
    expect(store.deployments.size).toBe(1);
  });

  it('is refused by the rules of its environment before anything is stored', async () => {
    isRefused = true;
    const details = { code: 'deployer_not_allowed' };
    await expect(deploy(IMAGE)).rejects.toMatchObject({ kind: 'AuthorizationError', details });
    expect([texts, store.deployments.size, store.serviceRecords.size]).toEqual([[], 0, 0]);
  });

  it('says where it is wrong, by the paths of the body', async () => {
    await expect(deploy({ ...IMAGE, port: 0, oops: 1 })).rejects.toMatchObject({
      kind: 'ValidationError',
      message: expect.stringContaining('1 more problem') as string,
      details: [{ path: 'deploy.port' }, { path: 'deploy.oops' }],
    });
    const ssh = { host: 'web', user: 'ada', key: 'K', known_hosts: 'H' };
    const elsewhere = { ...SITE, ssh };
    expect(await refusal(elsewhere, { ...site, host: 'h' })).toContain('what ssh says');
  });

  it('goes by SSH with global secrets, from whichever worker', async () => {
    secrets = {
      kind: 'values',
      values: nameRecord(Object.entries({ K: 'key', H: 'web ssh k' })),
      taken: [],
    };
    workers = [{ host: 'a' }, { host: 'b' }];
    const ssh = { host: 'web', user: 'ada', key: 'K', known_hosts: 'H' };
    const asked = await deploy({ ...SITE, ssh }, site);
    expect(asked).toMatchObject({ host: 'ssh://ada@web:22', settings: { ssh: { identity: '0' } } });
    expect(texts).toEqual(['{"key":"key","knownHosts":"web ssh k"}']);
  });

  it.each<[ResolvedSecrets, string]>([
    [{ kind: 'missing', names: ['A'] }, 'There is no global secret A.'],
    [
      {
        ...{ kind: 'withheld', run: { event: 'manual', unprotected: 'no' } },
        secrets: [{ name: 'A', scope: 'global', events: null, protected: true, why: 'protected' }],
      },
      'Not given to a deployment by the API: A.',
    ],
    [{ kind: 'unreadable', name: 'A' }, 'The secret A cannot be read.'],
  ])('has no secret that it is not given', async (resolved, message) => {
    secrets = resolved;
    expect(await refusal({ ...IMAGE, secrets: ['A'] })).toBe(message);
  });

  it('is on the host of its service, that which is asked for, or the only one', async () => {
    workers = [{ host: 'b' }, { host: 'a' }, { host: 'b' }];
    expect(await refusal(IMAGE)).toBe('Workers run on several hosts: a, b.');
    expect((await deploy(IMAGE, { host: 'b' })).host).toBe('b');
    expect(await refusal(IMAGE, { host: 'c' })).toContain('No worker is known on a host c');
    ended = [{ host: 'c' }];
    expect((await deploy(IMAGE, { host: 'c' })).host).toBe('c');
    workers = [];
    expect(await refusal(IMAGE)).toContain('No worker runs');
    serve({ host: 'far', place: 'far:port 8080' });
    expect((await deploy(IMAGE)).host).toBe('far');
    expect(await refusal(IMAGE, { host: 'c' })).toBe('default/shop lives on the host far.');
  });

  it('fits to what serves, and takes the place of nobody else', async () => {
    serve({});
    expect((await deploy(IMAGE)).service_id).toBe('default/shop');
    expect(await refusal({ ...IMAGE, publish: 9090 })).toContain('lives at port 8080');
    expect(await refusal({ ...SITE, service: 'shop' }, site)).toContain('is a docker_container');
    expect(await refusal({ ...IMAGE, service: 'other' })).toBe(
      'port 8080 belongs to another service: default/shop.',
    );
    serve({ unit: 'default/all' });
    expect(await refusal(IMAGE)).toContain('part of default/all');
  });

  it('takes one artifact, which is there, and no stranger has made', async () => {
    const of = (more: object) => ({ artifact: { ...site.artifact, ...more } });
    expect(await refusal(SITE, of({ executionId: 'none' }))).toBe('There is no execution none.');
    expect(await refusal(SITE, of({ name: 'none' }))).toBe('There is no artifact none.');
    const hintOf = (asked: object): Promise<unknown> =>
      deploy(SITE, asked).catch((error: MillraceError) => error.suggestions);
    const [wrong, kept] = [of({ name: 'none' }), artifacts];
    expect(await hintOf(wrong)).toEqual([expect.stringContaining('that are kept: site.')]);
    artifacts = [];
    expect(await hintOf(wrong)).toEqual([expect.stringContaining('No step of it kept files')]);
    artifacts = kept;
    const other = { step: 'other', objectKey: objectKey('artifacts', 'b') };
    artifacts = [...artifacts, artifact({ name: 'site', ...other })];
    expect(await refusal(SITE, site)).toContain('build/pack, attempt 1; build/other, attempt 1');
    const one = await deploy(SITE, of({ stage: 'build', step: 'other' }));
    expect(one.direct?.artifact?.object_key).toBe(other.objectKey);
    const event = { fork: true, repository: 'shop' };
    execution.trigger_info = {
      ...execution.trigger_info,
      event,
    } as ExecutionRecord['trigger_info'];
    expect(await refusal(SITE, site)).toContain("a stranger's");
  });
});
