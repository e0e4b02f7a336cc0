import type { BuildAction } from '../../../engine/steps/build/build-action.js';
import { buildCommand, type BuildRequest } from './build-command.js';

const docker = { name: 'docker 20', path: '/usr/bin/docker', dialect: 'docker' } as const;
const action: BuildAction = { kind: 'build', context: 'app' };
const command = (change: Partial<BuildRequest> = {}) =>
  buildCommand({
    ...{
      program: docker,
      host: 'unix:///s',
      folder: '/w/build-1',
      action,
      dockerfile: 'Dockerfile',
    },
    ...{ labels: new Map(), secrets: [], mustAsk: false },
    ...change,
  });
const options = (change: Partial<BuildRequest> = {}): readonly string[] => command(change).args;

describe('buildCommand', () => {
  it('asks BuildKit for an image, in the folder of the build, with nothing of the worker', () => {
    expect(command()).toEqual({
      command: '/usr/bin/docker',
      args: [
        ...['build', '--progress=plain', '--file=context/Dockerfile', '--iidfile=image-id'],
        'context',
      ],
      environment: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C.UTF-8',
        NO_COLOR: '1',
        HOME: '/w/build-1/config',
        DOCKER_HOST: 'unix:///s',
        DOCKER_CONFIG: '/w/build-1/config',
        DOCKER_BUILDKIT: '1',
      },
    });
  });

  it('says all that the step says', () => {
    const whole: BuildAction = {
      ...action,
      target: 'last',
      args: { A: '1', B: '--push' },
      tags: ['a:1', 'r.example/b:2'],
      secrets: ['NOT_GIVEN'],
      platform: 'linux/arm64',
      pull: 'always',
      network: 'none',
    };
    const labels = new Map([['l', 'x=y']]);
    expect(options({ action: whole, labels, dockerfile: '-x/File', secrets: ['TOKEN'] })).toEqual([
      ...['build', '--progress=plain', '--file=context/-x/File'],
      ...['--target=last', '--platform=linux/arm64', '--network=none', '--pull'],
      ...['--build-arg=A=1', '--build-arg=B=--push', '--label=l=x=y', '--iidfile=image-id'],
      ...['--secret=id=TOKEN,src=secrets/TOKEN', 'context'],
    ]);
  });

  it('asks the registries where it must', () => {
    expect(options()).not.toContain('--pull');
    expect(options({ mustAsk: true })).toContain('--pull');
  });

  it('takes layers from images, and tells those of what is pushed', () => {
    const sources = (change: Partial<BuildAction>): readonly string[] =>
      options({ action: { ...action, tags: ['a:1', 'b:1'], ...change } }).filter((one) =>
        /cache/i.test(one),
      );
    const inline = '--build-arg=BUILDKIT_INLINE_CACHE=1';
    expect(sources({})).toEqual([]);
    expect(sources({ push: true })).toEqual([]);
    expect(sources({ cacheFrom: true })).toEqual(['--cache-from=a:1', '--cache-from=b:1']);
    expect(sources({ cacheFrom: ['c'], push: true })).toEqual([inline, '--cache-from=c']);
  });

  it('speaks to the plugin of docker', () => {
    const program = { name: 'x', path: '/usr/bin/docker', dialect: 'buildx' } as const;
    const { args, environment } = command({ program });
    expect(args.slice(0, 5)).toEqual([
      ...['buildx', 'build', '--builder=default', '--progress=plain', '--load'],
    ]);
    expect(environment).toMatchObject({ BUILDX_NO_DEFAULT_ATTESTATIONS: '1' });
    expect(environment).not.toHaveProperty('DOCKER_BUILDKIT');
  });

  it('speaks to podman, which takes no layers of images', () => {
    const program = { name: 'x', path: '/usr/bin/podman', dialect: 'podman' } as const;
    const { args } = command({ program, action: { ...action, tags: ['a'], cacheFrom: true } });
    expect(args).toEqual([
      ...['--remote', '--url=unix:///s', 'build', '--authfile=/w/build-1/config/config.json'],
      ...['--format=docker', '--file=context/Dockerfile', '--iidfile=image-id'],
      'context',
    ]);
  });
});
