import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { eventually } from '../../../../test/support/eventually.js';
import { freePort } from '../../../../test/support/free-port.js';
import { GitSshServer } from '../../../../test/support/git-ssh-server.js';
import { describeWith } from '../../../../test/support/needed-programs.js';
import { packTree } from '../../../common/archive/pack-tree.js';
import { uuidV7 } from '../../../common/ids/uuid.js';
import { AddressPolicy } from '../../../common/net/address-policy.js';
import { Globs } from '../../../common/values/globs/globs.js';
import { Ssh2Client } from '../../../integrations/ssh/ssh2-client.js';
import {
  type Deployment,
  hostOf,
  placeOn,
  type Service,
  type DirectorySettings,
} from '../../record/deployment.js';
import { MemoryDeploymentStore } from '../../record/memory-deployment-store.fixture.js';
import { SealedTexts, type SshIdentity, textOfIdentity } from '../../record/sealed-texts.js';
import { DeploymentRun } from '../../running/deployment-run.js';
import type { DirectoryRelease } from '../deploy-target.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import { SshDirectoryTarget } from './ssh-directory.target.js';

/** Bytes: more than tar reads at once. */
const HALF = 20_480;
const NEVER = new AbortController().signal;

class KeptTexts extends SealedTexts {
  readonly all = new Map<string, string>();
  add(text: string): Promise<string> {
    const id = uuidV7();
    this.all.set(id, text);
    return Promise.resolve(id);
  }
  find(id: string): Promise<string | undefined> {
    return Promise.resolve(this.all.get(id));
  }
  idsBefore(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }
  remove(id: string): Promise<void> {
    this.all.delete(id);
    return Promise.resolve();
  }
}

describeWith({ sshd: 'openssh-server' }, {}, 'releases on another host', () => {
  let sshd: GitSshServer;
  let base: string;
  let made: string;
  let store: MemoryDeploymentStore;
  let target: SshDirectoryTarget;
  const texts = new KeptTexts();
  const add = (identity: SshIdentity): Promise<string> => texts.add(textOfIdentity(identity));
  let good: string;

  beforeAll(async () => {
    sshd = await GitSshServer.start();
    good = await add({ key: sshd.key('user'), knownHosts: sshd.knownHosts() });
  });
  afterAll(() => sshd.stop());

  beforeEach(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'ssh-directory-')));
    chmodSync(base, 0o755);
    made = join(base, 'made');
    for (const folder of [made, join(base, 'scratch')]) mkdirSync(folder);
    store = new MemoryDeploymentStore();
    for (const name of ['shop', 'other']) {
      store.serviceRecords.set(`default/${name}`, { id: `id-of-${name}` } as Service);
    }
    target = targetWith(['127.0.0.1']);
  });
  afterEach(() => rmSync(base, { recursive: true }));

  const targetWith = (allowed: readonly string[]): SshDirectoryTarget =>
    new SshDirectoryTarget(new Ssh2Client(new AddressPolicy(allowed)), texts, store);
  const settings = (
    more: Partial<DirectorySettings> = {},
    { identity = good, port = sshd.port } = {},
  ): DirectorySettings => ({
    ...{ type: 'local_directory', path: join(base, 'sites/shop'), keep: 5 },
    ...{ exclude: [], shared: [], permissions: {} },
    ssh: { host: '127.0.0.1', port, user: userInfo().username, identity },
    ...more,
  });
  const release = (number: number, more: Partial<DirectorySettings> = {}): DirectoryRelease => ({
    ...{ number, settings: settings(more), service_id: 'default/shop' },
  });
  const write = (files: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(made, name)), { recursive: true });
      writeFileSync(join(made, name), text);
    }
  };
  const source: StepFiles = {
    packed: ({ exclude, limits, onFile }, signal, work) => {
      const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
      return work(
        packTree(made, { globs, limits, onFile, signal, scratch: join(base, 'scratch') }),
      );
    },
  };
  const at = (path: string): string => join(base, 'sites/shop', path);
  const serve = async (one: DirectoryRelease): Promise<void> => {
    await target.prepare(one, source, NEVER);
    await target.arm(one, 't');
    await target.switchTo(one, 't');
  };
  const reasonOf = (work: Promise<unknown>): Promise<string | undefined> =>
    work.then(
      () => undefined,
      (error: { readonly reason?: { readonly code: string } }) => {
        if (error.reason === undefined) throw error as Error;
        return error.reason.code;
      },
    );

  it('puts releases side by side, switches a link, and goes back', async () => {
    write({ 'index.html': 'one', 'css/site.css': 'c' });
    expect(await target.plan('default/shop', settings())).toEqual([]);
    expect(existsSync(at('.'))).toBe(false);
    expect(await target.serving(settings())).toBeUndefined();
    const prepared = await target.prepare(release(1), source, NEVER);
    expect(prepared).toEqual({
      ...{ files: 2, bytes: 4, warnings: [] },
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
    });
    expect(existsSync(at('current'))).toBe(false);
    await serve(release(1));
    expect([await target.serving(settings()), readlinkSync(at('current'))]).toEqual([
      ...[1, 'releases/1'],
    ]);
    write({ 'index.html': 'two' });
    await serve(release(2));
    expect(readFileSync(at('current/index.html'), 'utf8')).toBe('two');
    expect(await target.digestOf(release(1))).toBe(prepared.digest);
    expect(await target.digestOf(release(2))).not.toBe(prepared.digest);
    expect(await target.digestOf(release(3))).toBeUndefined();
    await target.arm(release(1), 'back');
    await target.switchTo(release(1), 'back');
    expect(readFileSync(at('current/index.html'), 'utf8')).toBe('one');
    await expect(target.remove(release(1))).rejects.toThrow('serves, and is not removed');
    await target.remove(release(2));
    expect(readdirSync(at('.')).sort()).toEqual([
      ...['.millrace-service', 'current', 'releases', 'shared'],
    ]);
    expect(readdirSync(at('releases'))).toEqual(['1']);
  });

  it('names files with a hash in their names that the next release has not', async () => {
    write({ 'index.html': 'one', 'js/index-BfX3k2Qa.js': 'o' });
    await serve(release(1));
    rmSync(join(made, 'js'), { recursive: true });
    write({ 'index.html': 'two', 'js/index-Zk91mQ2b.js': 't' });
    const { warnings } = await target.prepare(release(2), source, NEVER);
    expect(warnings).toMatchObject([
      { code: 'assets_gone', message: expect.stringContaining('js/index-BfX3k2Qa.js') as string },
    ]);
    write({ 'js/index-BfX3k2Qa.js': 'o' });
    expect((await target.prepare(release(2), source, NEVER)).warnings).toEqual([]);
  });

  it('withdraws what serves, and forgets the service but what its application has written', async () => {
    write({ a: 'x' });
    await serve(release(1, { shared: ['data'] }));
    const other = { ...release(1), service_id: 'default/other' };
    await target.withdraw(other);
    expect(await target.serving(settings())).toBe(1);
    await target.withdraw(release(1));
    await target.withdraw(release(1));
    expect(existsSync(at('current'))).toBe(false);
    writeFileSync(at('shared/data/kept'), 'k');
    await target.remove(release(1));
    await target.forget('default/other', settings());
    expect(existsSync(at('.millrace-service'))).toBe(true);
    await target.forget('default/shop', settings());
    await target.forget('default/shop', settings());
    expect(readdirSync(at('.'))).toEqual(['shared']);
  });

  it('knows a release that was changed', async () => {
    write({ a: 'x' });
    symlinkSync('a', join(made, 'link'));
    const { digest } = await target.prepare(release(1), source, NEVER);
    const file = at('releases/1/a');
    const changes: readonly (() => void)[] = [
      () => writeFileSync(file, 'y'),
      () => chmodSync(file, 0o600),
      () => rmSync(at('releases/1/link')),
      () => writeFileSync(at('releases/1/more'), ''),
    ];
    for (const change of changes) {
      await target.prepare(release(1), source, NEVER);
      expect(await target.digestOf(release(1))).toBe(digest);
      change();
      expect(await target.digestOf(release(1))).not.toBe(digest);
    }
  });

  it('switches to nothing that was made ready before', async () => {
    write({ a: 'x' });
    await serve(release(1));
    await target.prepare(release(2), source, NEVER);
    await target.arm(release(2), 'stale');
    await target.disarm(settings());
    expect(await reasonOf(target.switchTo(release(2), 'stale'))).toBe('remote_command_failed');
    await target.arm(release(2), 'stale');
    await target.arm(release(2), 'new');
    expect(await reasonOf(target.switchTo(release(2), 'stale'))).toBe('remote_command_failed');
    expect(await target.serving(settings())).toBe(1);
  });

  it('takes names of files and folders as they are', async () => {
    const names = [
      ...["it's", 'a "b"', 'two\nlines', '$(touch injected)', '`id`', '-rf', 'back\\slash', '*'],
      ...[' lead', "'; touch injected; '", '\\n', 'ä', 'r\rr'],
    ];
    write(
      Object.fromEntries(
        names.flatMap((name) => [
          [name, name],
          [`d/${name}/x`, name],
        ]),
      ),
    );
    symlinkSync('two\nlines', join(made, 'a\nlink'));
    const path = join(base, 'sites/o\'x "$(touch injected)" \n;`id`/shop');
    const shared = ["it's own/$(touch injected)"];
    await target.plan('default/shop', settings({ path }));
    const one = release(1, { path, shared });
    const { files } = await target.prepare(one, source, NEVER);
    expect(files).toBe(names.length * 2);
    await target.arm(one, 't');
    await target.switchTo(one, 't');
    for (const name of names) {
      expect(readFileSync(join(path, 'current', name), 'utf8')).toBe(name);
    }
    writeFileSync(join(path, 'current', shared[0] ?? '', 'u'), 'u');
    expect(readdirSync(join(path, 'shared', shared[0] ?? ''))).toEqual(['u']);
    expect(existsSync(join(userInfo().homedir, 'injected'))).toBe(false);
    expect(readdirSync(path)).not.toContain('injected');
    writeFileSync(join(path, 'releases/1/two\nlines'), 'changed');
    expect(await target.digestOf(one)).not.toBe(
      (await target.prepare(release(2, { path, shared }), source, NEVER)).digest,
    );
  });

  it('gives permissions, and shares folders that stay as they are', async () => {
    write({ 'sub/a': 'x', run: 'x', 'public/uploads/own': 'not taken' });
    chmodSync(join(made, 'sub/a'), 0o660);
    chmodSync(join(made, 'run'), 0o700);
    const shared = ['public/uploads', 'data'];
    await serve(release(1, { shared }));
    const modes = (number: number): string[] =>
      ['.', 'sub', 'sub/a', 'run'].map((name) =>
        (statSync(at(`releases/${number}/${name}`)).mode & 0o7777).toString(8),
      );
    expect(modes(1)).toEqual(['755', '755', '644', '744']);
    writeFileSync(at('current/public/uploads/u'), 'u');
    chmodSync(at('shared/data'), 0o700);
    const permissions = { files: 0o640, folders: 0o750 };
    await serve(release(2, { shared, permissions }));
    expect(modes(2)).toEqual(['750', '750', '640', '640']);
    expect(readdirSync(at('shared/public/uploads'))).toEqual(['u']);
    expect(readFileSync(at('current/public/uploads/u'), 'utf8')).toBe('u');
    expect(statSync(at('shared/data')).mode & 0o777).toBe(0o700);
    expect(lstatSync(at('current/data')).isSymbolicLink()).toBe(true);
    // Whoever may write in `shared` leads nobody out of it.
    symlinkSync(made, at('shared/led'));
    const led = target.prepare(release(3, { shared: ['led/x'] }), source, NEVER);
    expect(await reasonOf(led)).toBe('path_unusable');
    expect(existsSync(join(made, 'x'))).toBe(false);
  });

  it('trusts no host that it was not told of', async () => {
    const key = sshd.key('user');
    const line = sshd.knownHosts();
    const codes: (string | undefined)[] = [];
    for (const identity of [
      { key, knownHosts: sshd.knownHosts('stranger') },
      { key, knownHosts: line.replace('127.0.0.1', 'localhost') },
      { key, knownHosts: line.replace(/^\S+/, '127.0.0.1') },
      { key, knownHosts: line.replace('ssh-ed25519', 'ecdsa-sha2-nistp256') },
      { key, knownHosts: '' },
      { key: sshd.key('stranger'), knownHosts: line },
      { key: 'no key', knownHosts: line },
      { key: line, knownHosts: line },
    ]) {
      const refused = target.plan('default/shop', settings({}, { identity: await add(identity) }));
      codes.push(await reasonOf(refused));
    }
    expect(codes).toEqual([
      'ssh_host_key_changed',
      ...Array.from({ length: 4 }, () => 'ssh_host_key_unknown'),
      'ssh_key_refused',
      ...['ssh_key_invalid', 'ssh_key_invalid'],
    ]);
    expect(existsSync(at('.'))).toBe(false);
  });

  it('dials no private address unless it is allowed, and says which host is away', async () => {
    expect(await reasonOf(targetWith([]).plan('default/shop', settings()))).toBe(
      'ssh_address_refused',
    );
    const port = await freePort();
    const identity = await add({
      key: sshd.key('user'),
      knownHosts: sshd.knownHosts().replace(String(sshd.port), String(port)),
    });
    const away = target.plan('default/shop', settings({}, { port, identity }));
    expect(await reasonOf(away)).toBe('ssh_unreachable');
  });

  it('takes the folder of nobody else, and no link or file in its place', async () => {
    write({ a: 'x' });
    await serve(release(1));
    expect(await reasonOf(target.plan('default/other', settings()))).toBe('path_taken');
    const other = { ...release(1), service_id: 'default/other' };
    expect(await reasonOf(target.prepare(other, source, NEVER))).toBe('path_taken');
    await target.arm(release(1), 'mine');
    // What a refused one has not made is not removed either.
    writeFileSync(at('current/a'), 'x');
    await target.prepare(release(2), source, NEVER);
    await target.remove({ ...other, number: 2 });
    expect(readdirSync(at('releases')).sort()).toEqual(['1', '2']);
    const path = join(base, 'link');
    symlinkSync(made, path);
    for (const work of [
      target.plan('default/shop', settings({ path })),
      target.prepare(release(1, { path }), source, NEVER),
      target.plan('default/shop', settings({ path: at('releases/1/a') })),
      target.prepare(release(1, { path: at('releases/1/a/b') }), source, NEVER),
    ]) {
      expect(await reasonOf(work)).toBe('path_unusable');
    }
    const elsewhere = join(base, 'elsewhere');
    mkdirSync(join(elsewhere, '2'), { recursive: true });
    for (const name of ['releases', 'shared']) {
      rmSync(at(name), { recursive: true });
      symlinkSync(elsewhere, at(name));
      expect(await reasonOf(target.prepare(release(3), source, NEVER))).toBe('path_unusable');
      if (name === 'releases') {
        expect(await reasonOf(target.remove(release(2)))).toBe('path_unusable');
      }
      rmSync(at(name));
    }
    expect(readdirSync(elsewhere)).toEqual(['2']);
    rmSync(at('current'));
    mkdirSync(at('current'));
    expect(await reasonOf(target.plan('default/shop', settings()))).toBe('path_unusable');
    for (const relative of ['shop', '/srv/../etc', '/', '//']) {
      expect(() => target.placeOf(settings({ path: relative }))).toThrow('named whole');
    }
  });

  it('says when folders above are closed to others', async () => {
    chmodSync(base, 0o700);
    expect(await target.plan('default/shop', settings())).toMatchObject([
      { code: 'path_closed', data: { path: base } },
    ]);
  });

  describe('whose connection is cut', () => {
    let between: Server;
    let port: number;
    let sockets: Socket[];

    beforeEach(async () => {
      sockets = [];
      between = createServer((client) => {
        const host = connect(sshd.port, '127.0.0.1');
        for (const socket of [client, host]) socket.on('error', () => socket.destroy());
        client.on('close', () => host.destroy());
        host.on('close', () => client.destroy());
        sockets.push(client);
        client.pipe(host).pipe(client);
      });
      await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
      ({ port } = between.address() as AddressInfo);
      const knownHosts = sshd.knownHosts().replace(String(sshd.port), String(port));
      identity = await add({ key: sshd.key('user'), knownHosts });
    });
    let identity: string;
    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      between.close();
    });

    /** Some of the tar, and then nothing more. */
    const half = (cut: () => void): StepFiles => ({
      packed: (request, signal, work) =>
        source.packed(request, signal, (tree) => {
          const stream = new PassThrough();
          let written = 0;
          tree.stream.on('data', (bytes: Buffer) => {
            if (written > HALF) return;
            written += bytes.length;
            stream.write(bytes);
            if (written > HALF) cut();
          });
          return work({ ...tree, stream });
        }),
    });
    const deploy = async (from: StepFiles): Promise<Deployment> => {
      const asked = settings({}, { identity, port });
      const host = hostOf(asked, 'w');
      const _id = uuidV7();
      const at = new Date(0);
      const accepted = await store.accept(
        {
          ...{ _id, request_key: _id, kind: 'deploy', service_id: 'default/shop', host },
          ...{ environment: 'default', service: 'shop', type: 'local_directory' },
          settings: asked,
          ...{ status: 'pending', phase: null, phases: [], reason: null, warnings: [] },
          ...{ worker_id: 'w', fence: 1, release_id: null, previous_release_id: null },
          ...{ execution_id: _id, pipeline_id: null, pipeline_name: null, stage: null },
          ...{ step: null, commit: null, branch: null, triggered_by: 'ada' },
          ...{ cancel_requested_by: null, logs: [], created_at: at },
          ...{ started_at: null, finished_at: null },
        },
        {
          ...{ _id: 'default/shop', id: 's', name: 'shop', environment: 'default', host },
          ...{
            service_type: 'local_directory',
            place: placeOn(host, asked.path),
            status: 'starting',
          },
          ...{ release_id: null, deployment_id: null, created_at: at, updated_at: at },
        },
      );
      const tools = { store, host: 'w', targetOf: () => target };
      return new DeploymentRun(accepted, tools, { source: from, signal: NEVER }).run();
    };

    it('switches nothing, and the next one removes what is left', async () => {
      store.serviceRecords.clear();
      write({ a: 'x'.repeat(300_000) });
      expect(await deploy(source)).toMatchObject({ status: 'success' });
      write({ a: 'y'.repeat(300_000) });
      let isCut = false;
      const cut = (): void => {
        void eventually(() => existsSync(at('releases/.unpack-2/a')) || undefined).then(() => {
          isCut = true;
          // Nor can it be reached to clean up.
          between.close();
          for (const socket of sockets) socket.destroy();
        });
      };
      const failed = await deploy(half(cut));
      expect(isCut).toBe(true);
      expect(failed).toMatchObject({
        ...{ status: 'failed', reason: { code: 'ssh_lost' } },
        warnings: [{ code: 'clean_up_failed' }],
      });
      expect(readlinkSync(at('current'))).toBe('releases/1');
      expect(readdirSync(at('releases')).sort()).toEqual(['.unpack-2', '1']);
      await new Promise<void>((resolve) => between.listen(port, '127.0.0.1', resolve));
      expect(await deploy(source)).toMatchObject({ status: 'success' });
      expect(readlinkSync(at('current'))).toBe('releases/3');
      expect(readdirSync(at('releases')).sort()).toEqual(['1', '3']);
      const statuses = (await store.releasesOf('default/shop')).map(({ status }) => status);
      expect(statuses).toEqual(['serving', 'failed', 'kept']);
    });

    it('ends with the signal', async () => {
      write({ a: 'x'.repeat(300_000) });
      const stop = new AbortController();
      const asked = target.prepare(
        release(1),
        half(() => stop.abort(new Error('stop'))),
        stop.signal,
      );
      await expect(asked).rejects.toThrow('stop');
      await eventually(() => existsSync(at('releases/1')) === false || undefined);
    });
  });
});
