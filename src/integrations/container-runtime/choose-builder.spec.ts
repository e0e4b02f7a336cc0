import { chooseBuilder } from './choose-builder.js';

const DOCKER_20 = 'Docker version 20.10.24+dfsg1, build 297e128\n';
const DOCKER_28 = 'Docker version 28.2.2, build e6534b4\n';

/** Programs by path, with what they print for their arguments. */
function choosing(engine: string, programs: Readonly<Record<string, Record<string, string>>>) {
  const known = new Map(Object.entries(programs));
  return chooseBuilder(
    engine,
    (path, args) =>
      Promise.resolve(new Map(Object.entries(known.get(path) ?? {})).get(args.join(' '))),
    (path) => known.has(path),
  );
}

describe('chooseBuilder', () => {
  it('takes BuildKit where it is built in', async () => {
    const programs = { '/usr/bin/docker': { '--version': DOCKER_20 } };
    expect(await choosing('docker 20.10.24', programs)).toEqual({
      program: { name: 'docker 20.10.24', path: '/usr/bin/docker', dialect: 'docker' },
    });
  });

  it('takes the plugin from 23, and passes over a program without it', async () => {
    const other = { '/usr/bin/docker': { '--version': DOCKER_20 } };
    const bare = { '/usr/local/bin/docker': { '--version': DOCKER_28 } };
    expect((await choosing('docker 28', { ...bare, ...other })).program?.path).toBe(
      '/usr/bin/docker',
    );
    const whole = { 'buildx version': 'github.com/docker/buildx v0.24.0 d0e5e86\n' };
    const plugin = { '/usr/local/bin/docker': { '--version': DOCKER_28, ...whole } };
    expect((await choosing('docker 28', { ...plugin, ...other })).program).toEqual({
      name: 'docker 28.2.2, buildx 0.24.0',
      path: '/usr/local/bin/docker',
      dialect: 'buildx',
    });
  });

  it('takes podman for podman', async () => {
    const programs = {
      '/usr/bin/podman': { '--version': 'podman version 4.3.1\n' },
      '/usr/bin/docker': { '--version': DOCKER_20 },
    };
    expect((await choosing('podman 4.3.1', programs)).program).toMatchObject({
      name: 'podman 4.3.1',
      dialect: 'podman',
    });
  });

  it('says why there is none', async () => {
    expect(await choosing('docker 20', {})).toEqual({
      reason: expect.stringContaining('there is no program docker in /usr/local/sbin'),
    });
    const programs = {
      '/usr/local/bin/docker': { '--version': DOCKER_28 },
      '/usr/bin/docker': { '--version': 'Docker version 18.09.1, build x\n' },
      '/bin/docker': {},
    };
    expect((await choosing('docker 20', programs)).reason).toBe(
      '/usr/local/bin/docker is docker 28.2.2 without its plugin buildx, which builds need from 23; ' +
        '/usr/bin/docker is docker 18.09.1, which is too old; /bin/docker does not tell its version',
    );
  });
});
