import { standIn } from '../../../../test/support/stand-in.js';
import type { StepAttempt, StepOutcome } from '../../../engine/runtime/step-handler.js';
import type { BuildAction } from '../../../engine/steps/build/build-action.js';
import type { ContainerDeploy } from '../../../engine/steps/deploy/deploy-action.js';
import type { LocalImage } from '../../../integrations/container-runtime/container-runtime.js';
import type { Workspace } from '../../../workspaces/workspace.js';
import type { FoundDockerfile } from './deploy-hints.js';
import { DeployedImages } from './deployed-images.js';
import type { DeployedImage } from './deployer.js';

const GATE = { status: { from: 200, to: 299 }, timeoutMs: 1, stableMs: 0 };
const ACTION: ContainerDeploy = {
  ...{ kind: 'deploy', type: 'docker_container', service: 'shop', environment: 'default' },
  ...{ keep: 3, published: { address: '::' }, drainMs: 7, limits: {}, gate: GATE },
  ...{ variables: {}, secrets: [], source: '.', findsGate: true },
};
const SAYS: FoundDockerfile = {
  ...{ kind: 'found', name: 'Dockerfile', port: { value: '3000', from: 'Dockerfile:3' } },
  healthPath: { value: '/health', from: 'Dockerfile:4' },
};

describe('DeployedImages', () => {
  let ports: readonly number[];
  let dockerfile: FoundDockerfile;
  let outcome: StepOutcome;
  let builds: BuildAction[];
  let sought: string[];
  let told: string[];

  beforeEach(() => {
    [ports, dockerfile, outcome] = [[3000], SAYS, { kind: 'success' }];
    [builds, sought, told] = [[], [], []];
  });

  const of = (
    action: Partial<ContainerDeploy>,
    signal = new AbortController().signal,
  ): Promise<DeployedImage | StepOutcome> =>
    new DeployedImages({
      images: {
        find: ({ image, pull }) => {
          sought.push(`${image} ${pull ?? ''}`);
          const found = standIn<LocalImage>({ id: 'sha256:1', ports });
          return Promise.resolve({ kind: 'image', image: found });
        },
      },
      builds: {
        run: ({ action: build }) => {
          builds.push(build);
          return Promise.resolve(outcome);
        },
      },
      hints: {
        dockerfile: (root, folder) => {
          sought.push(`${root} ${folder}`);
          return Promise.resolve(dockerfile);
        },
      },
      workspace: standIn<Workspace>({ directory: '/w' }),
      ownership: { asServer: (work) => work() },
      executionId: 'e1',
    }).of(
      { ...ACTION, ...action },
      {
        attempt: standIn<StepAttempt>({ address: { stage: 'm', step: 's', attempt: 1 } }),
        tell: (line) => void told.push(line),
        progress: { tell: () => undefined },
        signal,
      },
    );

  it('takes the image that is named, and its one port', async () => {
    const named = { image: 'shop:1', source: undefined, findsGate: undefined };
    ports = [80];
    expect(await of({ ...named, pull: 'always' })).toMatchObject({
      ...{ name: 'shop:1', port: 80, gate: GATE },
      detected: ['port 80: shop:1 exposes it, and no other'],
    });
    ports = [80, 443];
    expect(await of({ ...named, port: 8080 })).toMatchObject({ port: 8080, detected: [] });
    expect(await of(named)).toMatchObject({
      ...{ kind: 'failed', isFinal: true },
      reason: { code: 'port_unknown', message: expect.stringContaining('80, 443') as string },
    });
    ports = [];
    expect(await of(named)).toMatchObject({ reason: { code: 'port_unknown' } });
    expect(sought).toEqual(['shop:1 always', 'shop:1 ', 'shop:1 ', 'shop:1 ']);
    expect(builds).toEqual([]);
  });

  it('builds what the Dockerfile of its source says, with the port and the gate', async () => {
    expect(await of({ source: './api/' })).toMatchObject({
      ...{ name: 'deployed/shop:e1', port: 3000 },
      gate: { ...GATE, path: '/health', status: { from: 200, to: 399 } },
      detected: ['port 3000: Dockerfile:3', 'gate /health: Dockerfile:4'],
    });
    expect(builds).toEqual([
      {
        ...{ kind: 'build', context: './api/', dockerfile: 'Dockerfile' },
        tags: ['deployed/shop:e1'],
      },
    ]);
    expect(sought).toEqual(['/w api', 'deployed/shop:e1 ']);
    expect(told).toEqual(['the image is built of api/Dockerfile']);
  });

  it('takes what the step says before what files say', async () => {
    const gate = { ...GATE, path: '/own' };
    const said = await of({ port: 3000, gate, findsGate: undefined });
    expect(said).toMatchObject({ port: 3000, gate, detected: [] });
    // The health path is of another port than the one that the program has here.
    expect(await of({ port: 8080 })).toMatchObject({ port: 8080, gate: GATE, detected: [] });
  });

  it('builds as the step says', async () => {
    const build: BuildAction = { kind: 'build', context: 'api', dockerfile: 'D', tags: ['a:1'] };
    expect(await of({ source: undefined, build })).toMatchObject({
      ...{ name: 'a:1', gate: GATE },
      detected: ['port 3000: a:1 exposes it, and no other'],
    });
    expect(builds).toEqual([build]);
    const same = { ...build, dockerfile: './Dockerfile' };
    expect(await of({ source: undefined, build: same })).toMatchObject({
      gate: { path: '/health' },
    });
  });

  it('says what it has looked for where there is nothing to build', async () => {
    dockerfile = { kind: 'unknown', why: 'there is neither Dockerfile nor Containerfile.' };
    for (const source of ['api', '../api']) {
      expect(await of({ source })).toMatchObject({
        ...{ kind: 'failed', isFinal: true },
        reason: { code: 'image_unknown', message: expect.stringContaining(source) as string },
      });
    }
    expect([sought, builds]).toEqual([['/w api'], []]);
  });

  it('ends as its build does', async () => {
    outcome = { kind: 'failed', exitCode: 1 };
    expect(await of({})).toBe(outcome);
    await expect(of({}, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
  });
});
