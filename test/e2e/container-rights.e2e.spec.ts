import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultCache } from '../../src/config/paths.js';
import { POSTGRES_COMPONENT } from '../../src/embedded/postgres/postgres-install.js';
import { addProgram, makeDebianRoot } from '../support/debian-root.js';
import { DockerEngine } from '../support/docker-engine.js';
import { MillraceServer } from '../support/millrace-server.js';
import { describeWith, findProgram, itWith } from '../support/needed-programs.js';
import { stopAll } from '../support/stop-all.js';

const PROGRAMS = {
  dockerd: 'docker.io',
  docker: 'docker.io',
  ...{ 'apt-get': 'apt', 'apt-cache': 'apt', 'dpkg-deb': 'dpkg' },
  ...{ nginx: 'nginx-light', git: 'git' },
};
const IMAGE = 'debian:local';
const POSTGRES = [join(defaultCache(), POSTGRES_COMPONENT, 'usr')].find((path) => existsSync(path));

/** Programs that begin as root and continue as another user, in containers of a real engine. */
describeWith(PROGRAMS, { root: true }, 'the rights of a container suffice', () => {
  let engine: DockerEngine;
  let server: MillraceServer;

  beforeAll(async () => {
    const root = await mkdtemp(join(tmpdir(), 'millrace-debian-'));
    try {
      await makeDebianRoot(root, /^nginx(-common|-core)?$/);
      await addProgram(root, findProgram('git') ?? '');
      if (POSTGRES)
        await cp(POSTGRES, join(root, 'opt/pg'), { recursive: true, verbatimSymlinks: true });
      engine = await DockerEngine.start();
      await engine.importRoot(root, IMAGE, ['ENV DEBIAN_FRONTEND=noninteractive']);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
    server = await MillraceServer.start({ environment: { DOCKER_HOST: engine.host } });
  });
  afterAll(async () => {
    await stopAll(
      () => server.stop(),
      () => engine.stop(),
    );
  });

  /** The log of a success. */
  const logOf = async (...steps: readonly string[]): Promise<string> => {
    const head = `name: c\ndefaults: { image: '${IMAGE}', pull: never, network: none, shell: bash }\n`;
    const { id, status } = await server.run(`${head}steps:\n${steps.join('\n')}\n`, {}, 60_000);
    const log = await server.logText(id);
    if (status !== 'success') throw new Error(`${status}\n${log}`);
    return log;
  };

  it('for apt-get install, and for a server that it installs, whose workers are other users', async () => {
    const log = await logOf(`  - |
    apt-get update
    apt-get install --yes --no-install-recommends nginx
    stat -c 'log of %U:%G' /var/log/nginx/access.log
    nginx
    exec 3<>/dev/tcp/127.0.0.1/80
    printf 'HEAD / HTTP/1.0\\r\\n\\r\\n' >&3
    head -n 1 <&3
    for each in $(grep -l '^Name:.nginx$' /proc/[0-9]*/status); do
      echo "nginx as $(getent passwd "$(awk '/^Uid:/ { print $2 }' "$each")" | cut -d: -f1)"
    done
    nginx -s quit`);
    expect(log).toMatch(/^Setting up nginx \(/m);
    expect(log).toContain('log of www-data:adm');
    expect(log).toMatch(/^HTTP\/1\.1 200 OK/m);
    expect(new Set(log.match(/^nginx as .*$/gm))).toEqual(
      new Set(['nginx as root', 'nginx as www-data']),
    );
  });

  // What the entrypoint of the image does, with setpriv for gosu.
  itWith(POSTGRES, 'the database of the tests')(
    'for postgres, whose entrypoint takes the folder of root and continues as postgres',
    async () => {
      const log = await logOf(`  - |
    useradd --system --create-home --home-dir /var/lib/postgresql postgres
    export PGDATA=/var/lib/postgresql/data
    mkdir -p "$PGDATA" /run/postgresql
    touch "$PGDATA/of-root" && chmod 0600 "$PGDATA/of-root"
    find "$PGDATA" ! -user postgres -exec chown postgres '{}' +
    chown postgres /run/postgresql && chmod 700 "$PGDATA" && chmod 3775 /run/postgresql
    rm "$PGDATA/of-root"
    drop() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
    pg=/opt/pg/lib/postgresql/18/bin
    ! "$pg/postgres" -D "$PGDATA" 2>/dev/null
    drop "$pg/initdb" --auth=trust --no-locale --encoding=UTF8 >/dev/null
    drop "$pg/postgres" >/tmp/log 2>&1 &
    until grep -q 'ready to accept connections' /tmp/log; do
      kill -0 $! || { cat /tmp/log; exit 1; }
      sleep 0.1
    done
    exec 3<>/dev/tcp/127.0.0.1/5432
    echo "server of $(stat -c %U "/proc/$(head -n 1 "$PGDATA/postmaster.pid")")"
    kill -INT "$(head -n 1 "$PGDATA/postmaster.pid")"
    wait $! && echo ended by root`);
      expect(log).toContain('server of postgres');
      expect(log).toContain('ended by root');
    },
  );

  it('for git in a workspace that belongs to anybody', async () => {
    const log = await logOf(
      `  - { name: shell, image: none, run: 'git init -q . && git -c user.name=n -c user.email=e@x commit -q --allow-empty -m one && git clone -q . in/side && echo in >.git/info/exclude' }`,
      `  - { name: root, run: 'git log --format=%s && echo x >f && git add f && git -c user.name=n -c user.email=e@x commit -qm two && git -C in/side log --format=%s-inside' }`,
      `  - { name: other, user: '4321', run: 'git log --format=%s && git status --porcelain=v1 && git -c user.name=n -c user.email=e@x commit -q --allow-empty -m three' }`,
      `  - { name: back, image: none, run: 'git log --format=%s && git status --porcelain=v1' }`,
    );
    expect(log.match(/^(one|two|three)$/gm)).toEqual([
      'one',
      ...['two', 'one'],
      ...['three', 'two', 'one'],
    ]);
    expect(log).toContain('one-inside');
    expect(log).not.toContain('??');
  });
});
