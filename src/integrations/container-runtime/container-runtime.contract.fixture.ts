import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ContainerExit, ContainerRuntime, ContainerSpec, Mount } from './container-runtime.js';
import type { FakeContainer } from './fake-container-runtime.js';

const never = new Promise<never>(() => undefined);
const exited = (exitCode: number): ContainerExit => ({
  kind: 'exited',
  exitCode,
  outOfMemory: false,
});
const MEGABYTE = 'x'.repeat(1024 * 1024);

/** What a container does, as commands of `/bin/sh` for an engine and as a script for the fake. */
export const behaviours = {
  speaksAndFails: {
    line: 'echo out; echo err >&2; exit 3',
    script: { stdout: ['out\n'], stderr: ['err\n'], exit: exited(3) },
  },
  readsEnvironment: {
    line: 'echo "$GREETING"',
    script: { stdout: ['hello = you\n'], exit: exited(0) },
  },
  waits: { line: 'echo up; exec sleep 600', script: { stdout: ['up\n'], exit: never } },
  ignoresTerm: {
    line: 'trap "" TERM; echo up; while :; do sleep 1; done',
    script: { stdout: ['up\n'], exit: never, ignoresTerm: true },
  },
  writesFourMegabytes: {
    line: 'for i in 1 2 3 4; do head -c 1048576 /dev/zero | tr "\\0" x; done',
    script: { stdout: [MEGABYTE, MEGABYTE, MEGABYTE, MEGABYTE], exit: exited(0) },
  },
  serves: {
    line: 'trap "exit 0" TERM; echo up; while :; do echo hello | nc -l -p 7000; done',
    script: {
      stdout: ['up\n'],
      exit: never,
      exec: ([, , line = '']) =>
        line === 'echo in; echo err >&2; exit 4'
          ? { exitCode: 4, output: 'in\nerr' }
          : { exitCode: undefined, output: 'it did not end within 300 ms' },
    },
  },
  asks: {
    line: 'until nc -w 5 db 7000; do sleep 0.2; done',
    script: { stdout: ['hello\n'], exit: exited(0) },
  },
  writesToMount: {
    line: 'cat /given/in >/given/out',
    script: {
      exit: exited(0),
      does: ({ mounts: [mount] }: ContainerSpec) => {
        const folder = mount?.source ?? '';
        writeFileSync(join(folder, 'out'), readFileSync(join(folder, 'in')));
      },
    },
  },
} satisfies Record<string, { readonly line: string; readonly script: FakeContainer }>;

export type BehaviourName = keyof typeof behaviours;

export interface RuntimeUnderTest {
  readonly runtime: ContainerRuntime;
  /** Reference of an image with busybox and the user `app` (1000:1000). */
  readonly image: string;
  /** An image that nobody has. */
  readonly missing: string;
  close(): Promise<void>;
}

/** What every `ContainerRuntime` does. */
export function containerRuntimeContract(make: () => Promise<RuntimeUnderTest>): void {
  let under: RuntimeUnderTest;
  let groups = 0;
  const lines: string[] = [];
  const notAborted = new AbortController().signal;

  beforeAll(async () => {
    under = await make();
  });
  afterAll(() => under.close());

  const tell = (line: string): void => void lines.push(line);
  const imageId = async (): Promise<string> => {
    const request = { group: 'images', reference: under.image, pull: 'never' } as const;
    const result = await under.runtime.provide(request, tell, notAborted);
    if (result.kind === 'refused') throw new Error(result.refusal.message);
    return result.image.id;
  };

  async function spec(
    name: BehaviourName,
    mounts: readonly Mount[] = [],
    group = `contract-${(groups += 1)}`,
  ): Promise<ContainerSpec> {
    return {
      ...{ group, mounts, groups: [], network: 'none', directory: '/' },
      imageId: await imageId(),
      entrypoint: ['/bin/sh'],
      command: ['-c', behaviours[name].line],
      environment: { GREETING: 'hello = you' },
      limits: { pids: 100, shmSize: 1024 * 1024 },
    };
  }

  it('says what it is', async () => {
    const { name, platform } = await under.runtime.facts();
    expect(name).toMatch(/^[a-z]+ \d+\./);
    expect(platform).toMatch(/^linux\/[a-z0-9]+$/);
  });

  it('gives an image that is there without a word', async () => {
    lines.length = 0;
    const request = { group: 'images', reference: under.image, pull: 'missing' } as const;
    const result = await under.runtime.provide(request, tell, notAborted);
    expect(result).toMatchObject({ kind: 'image', pulled: false });
    expect(lines).toEqual([]);
  });

  it('does not pull where it is told never to', async () => {
    const request = { group: 'images', reference: under.missing, pull: 'never' } as const;
    const result = await under.runtime.provide(request, tell, notAborted);
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'image_missing' } });
  });

  it('does not begin to pull for one who has stopped', async () => {
    const request = { group: 'images', reference: under.missing, pull: 'missing' } as const;
    const gone = under.runtime.provide(request, tell, AbortSignal.abort(new Error('stopped')));
    await expect(gone).rejects.toThrow('stopped');
  });

  it('knows users of an image, by name and by number', async () => {
    const id = await imageId();
    expect(await under.runtime.userOf(id, '')).toEqual({ uid: 0, gid: 0 });
    expect(await under.runtime.userOf(id, 'app')).toEqual({ uid: 1000, gid: 1000 });
    expect(await under.runtime.userOf(id, '7:8')).toEqual({ uid: 7, gid: 8 });
    expect(await under.runtime.userOf(id, 'nobody-there')).toBeUndefined();
  });

  it('tells the exit code, and each stream apart', async () => {
    const container = await under.runtime.start(await spec('speaksAndFails'));
    const [stdout, stderr] = await Promise.all([text(container.stdout), text(container.stderr)]);
    expect({ stdout, stderr }).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    expect(await container.exit).toEqual(exited(3));
  });

  it('gives variables as they are', async () => {
    const container = await under.runtime.start(await spec('readsEnvironment'));
    expect(await text(container.stdout)).toBe('hello = you\n');
  });

  it('shows what is mounted, and keeps what is written there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mr-contract-'));
    try {
      writeFileSync(join(folder, 'in'), 'words');
      const mounts = [{ source: folder, target: '/given' }];
      const container = await under.runtime.start(await spec('writesToMount', mounts));
      expect(await container.exit).toEqual(exited(0));
      expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('words');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('keeps all output for one who reads late', async () => {
    const container = await under.runtime.start(await spec('writesFourMegabytes'));
    await new Promise((resolve) => setImmediate(resolve));
    expect((await text(container.stdout)).length).toBe(4 * 1024 * 1024);
    expect(await container.exit).toEqual(exited(0));
  });

  it('ends by TERM what obeys it, however often it is told to', async () => {
    const container = await under.runtime.start(await spec('waits'));
    await firstWords(container.stdout);
    await Promise.all([container.kill(60_000), container.kill(60_000)]);
    expect(await container.exit).toEqual(exited(143));
  });

  it('ends by KILL what does not', async () => {
    const container = await under.runtime.start(await spec('ignoresTerm'));
    await firstWords(container.stdout);
    await container.kill(300);
    expect(await container.exit).toEqual(exited(137));
  });

  const inNetwork = async (
    name: BehaviourName,
    group: string,
    hostName?: string,
  ): Promise<ContainerSpec> => {
    const opened = await under.runtime.openNetwork(group);
    if (opened.kind !== 'network') throw new Error(opened.message);
    const network = { name: opened.name, ...(hostName !== undefined && { hostName }) };
    return { ...(await spec(name, [], group)), network };
  };

  it('opens one network for a group, in which containers find each other by name', async () => {
    const [one, again] = await Promise.all([
      under.runtime.openNetwork('net'),
      under.runtime.openNetwork('net'),
    ]);
    expect(again).toEqual(one);
    const server = await under.runtime.start(await inNetwork('serves', 'net', 'db'));
    await firstWords(server.stdout);
    const client = await under.runtime.start(await inNetwork('asks', 'net'));
    expect(await text(client.stdout)).toBe('hello\n');
    expect(await client.exit).toEqual(exited(0));
    const other = await under.runtime.openNetwork('other-net');
    expect(other).not.toEqual(one);
    expect(await under.runtime.sweep('net')).toBe(1);
    await server.exit;
    // Only a network that is gone can be made again.
    expect(await under.runtime.openNetwork('net')).toEqual(one);
    await Promise.all(['net', 'other-net'].map((group) => under.runtime.sweep(group)));
  });

  it('tells the address of a container in its network, and of others none', async () => {
    const server = await under.runtime.start(await inNetwork('serves', 'address', 'db'));
    expect(await server.address()).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    await under.runtime.sweep('address');
    await server.exit;
    const alone = await under.runtime.start(await spec('waits'));
    expect(await alone.address()).toBeUndefined();
    await alone.kill(60_000);
  });

  it('runs a program in a container, and waits for it no longer than it is told', async () => {
    const server = await under.runtime.start(await spec('serves'));
    const shell = ['/bin/sh', '-c'];
    const ended = await server.exec([...shell, 'echo in; echo err >&2; exit 4'], 60_000);
    expect(ended.exitCode).toBe(4);
    expect(ended.output.split('\n').sort()).toEqual(['err', 'in']);
    const late = await server.exec([...shell, 'exec sleep 60'], 300);
    expect(late).toEqual({ exitCode: undefined, output: 'it did not end within 300 ms' });
    expect(await server.health()).toEqual({ status: 'none', output: '' });
    await server.kill(60_000);
  });

  it('sweeps what a group left, and nothing of another', async () => {
    const [one, other] = await Promise.all([spec('waits', [], 'one'), spec('waits', [], 'other')]);
    const first = await under.runtime.start(one);
    const second = await under.runtime.start(other);
    await Promise.all([firstWords(first.stdout), firstWords(second.stdout)]);
    const groups = async (): Promise<readonly string[]> =>
      [...(await under.runtime.sweepStale()).groups].sort();
    expect(await groups()).toEqual(['one', 'other']);
    expect(await under.runtime.sweep('one')).toBe(1);
    await first.exit;
    expect(await groups()).toEqual(['other']);
    expect(await under.runtime.sweep('one')).toBe(0);
    expect(await under.runtime.sweep('other')).toBe(1);
    await second.exit;
  });

  it('leaves what processes that are alive have', async () => {
    const container = await under.runtime.start(await spec('waits'));
    await firstWords(container.stdout);
    expect((await under.runtime.sweepStale()).ended).toBe(0);
    await container.kill(60_000);
  });
}

/** Resolves when something was said; what follows is read, and thrown away. */
async function firstWords(stream: NodeJS.ReadableStream): Promise<void> {
  await new Promise<void>((resolve) => stream.once('data', () => resolve()));
  stream.resume();
}
