import { Readable } from 'node:stream';
import {
  type ContainerExit,
  ContainerRuntime,
  type ContainerSpec,
  type ContainerUser,
  type EngineFacts,
  type ExecResult,
  type HealthFacts,
  type ImageRefusal,
  type ImageRequest,
  type ImageResult,
  type LocalImage,
  type LostOutput,
  type NetworkResult,
  type RunningContainer,
  type StaleSweep,
} from './container-runtime.js';

/** What a faked container does. */
export interface FakeContainer {
  readonly stdout?: readonly string[];
  readonly stderr?: readonly string[];
  /** A promise that never resolves is a container that waits for `kill`. */
  readonly exit: ContainerExit | Promise<ContainerExit>;
  /** TERM does not end it, KILL after the grace does. */
  readonly ignoresTerm?: boolean;
  /** At its start, with the mounts of the spec. */
  readonly does?: (spec: ContainerSpec) => void;
  readonly exec?: (command: readonly string[]) => ExecResult | Promise<ExecResult>;
  readonly health?: () => HealthFacts;
}

export interface FakeImage extends Partial<LocalImage> {
  /** It is at its registry, not on the engine. */
  readonly isRemote?: boolean;
  readonly users?: ReadonlyMap<string, ContainerUser>;
}

/**
 * Containers for the tests of others: starts nothing, does what the script of each spec says, and
 * remembers what it was asked.
 */
export class FakeContainerRuntime extends ContainerRuntime {
  readonly started: ContainerSpec[] = [];
  readonly asked: ImageRequest[] = [];
  readonly swept: string[] = [];
  /** In the order of their ends. */
  readonly ended: ContainerSpec[] = [];
  readonly networks = new Set<string>();
  /** Counted down: while it is not 0, no address is left for another network. */
  networksRefused = 0;
  private readonly running = new Set<FakeRunning>();
  private readonly pulled = new Set<string>();

  /** @param images by reference; what is no image is why there is none */
  constructor(
    private readonly images: ReadonlyMap<string, FakeImage | ImageRefusal>,
    private readonly script: (spec: ContainerSpec) => FakeContainer,
  ) {
    super();
  }

  async facts(): Promise<EngineFacts> {
    return { name: 'fake 1.0', platform: 'linux/amd64' };
  }

  async provide(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageResult> {
    this.asked.push(request);
    const { reference, pull } = request;
    const known = this.images.get(reference);
    const isHere = known !== undefined && !('code' in known) && known.isRemote !== true;
    if (pull !== 'always' && (isHere || this.pulled.has(reference))) {
      return { kind: 'image', image: imageOf(reference, known), pulled: false };
    }
    const missing: ImageRefusal = { code: 'image_missing', message: `no image ${reference}` };
    if (pull === 'never') return { kind: 'refused', refusal: missing };
    signal.throwIfAborted();
    onProgress(`pulling ${reference}`);
    if (known === undefined || 'code' in known) {
      return { kind: 'refused', refusal: known ?? missing };
    }
    this.pulled.add(reference);
    return { kind: 'image', image: imageOf(reference, known), pulled: true };
  }

  async userOf(imageId: string, user: string): Promise<ContainerUser | undefined> {
    if (user === '' || user === 'root') return { uid: 0, gid: 0 };
    const [uid, gid] = user.split(':').map(Number);
    if (Number.isInteger(uid) && Number.isInteger(gid)) return { uid: uid ?? 0, gid: gid ?? 0 };
    const image = this.images.get(imageId.replace('id-of-', ''));
    return image && 'users' in image ? image.users?.get(user) : undefined;
  }

  async start(spec: ContainerSpec): Promise<RunningContainer> {
    this.started.push(spec);
    const script = this.script(spec);
    script.does?.(spec);
    const address = typeof spec.network === 'string' ? undefined : `10.0.0.${this.started.length}`;
    const container = new FakeRunning(spec.group, script, address);
    this.running.add(container);
    void container.exit.then(() => {
      this.running.delete(container);
      this.ended.push(spec);
    });
    return container;
  }

  async openNetwork(group: string | undefined): Promise<NetworkResult> {
    const refused = this.refusedNetwork();
    if (refused) return refused;
    if (group === undefined) return { kind: 'network', name: 'steps' };
    const name = `network-of-${group}`;
    this.networks.add(name);
    return { kind: 'network', name };
  }

  private refusedNetwork(): NetworkResult | undefined {
    if (this.networksRefused === 0) return undefined;
    this.networksRefused -= 1;
    return { kind: 'full', message: 'no address is left' };
  }

  async sweep(group: string): Promise<number> {
    this.swept.push(group);
    this.networks.delete(`network-of-${group}`);
    const left = [...this.running].filter((container) => container.group === group);
    for (const container of left) {
      container.end({ kind: 'exited', exitCode: 137, outOfMemory: false });
    }
    return left.length;
  }

  async sweepStale(): Promise<StaleSweep> {
    return { ended: 0, groups: [...new Set([...this.running].map(({ group }) => group))] };
  }

  async close(): Promise<void> {
    return undefined;
  }

  /** As when the engine is killed: whatever runs ends as `lost`. */
  loseAll(message: string): void {
    for (const container of this.running) container.lose(message);
  }
}

class FakeRunning implements RunningContainer {
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exit: Promise<ContainerExit>;
  private readonly listeners: ((why: LostOutput) => void)[] = [];
  private resolveExit: (exit: ContainerExit) => void = () => undefined;

  constructor(
    readonly group: string,
    private readonly script: FakeContainer,
    private readonly ip: string | undefined,
  ) {
    this.exit = new Promise((resolve) => (this.resolveExit = resolve));
    const { stdout = [], stderr = [] } = script;
    this.stdout = Readable.from(
      stdout.map((text) => Buffer.from(text)),
      { objectMode: false },
    );
    this.stderr = Readable.from(
      stderr.map((text) => Buffer.from(text)),
      { objectMode: false },
    );
    void Promise.resolve(script.exit).then((exit) => this.end(exit));
  }

  onLost(listener: (why: LostOutput) => void): void {
    this.listeners.push(listener);
  }

  async kill(graceMs: number): Promise<void> {
    const { ignoresTerm = false } = this.script;
    if (ignoresTerm) await new Promise((resolve) => setTimeout(resolve, graceMs));
    this.end({ kind: 'exited', exitCode: ignoresTerm ? 137 : 143, outOfMemory: false });
    await this.exit;
  }

  async address(): Promise<string | undefined> {
    return this.ip;
  }

  async exec(command: readonly string[]): Promise<ExecResult> {
    return this.script.exec?.(command) ?? { exitCode: 0, output: '' };
  }

  async health(): Promise<HealthFacts> {
    return this.script.health?.() ?? { status: 'none', output: '' };
  }

  end(exit: ContainerExit): void {
    this.resolveExit(exit);
  }

  lose(message: string): void {
    for (const listener of this.listeners) listener('away');
    this.end({ kind: 'lost', message });
  }
}

function imageOf(reference: string, image: FakeImage | ImageRefusal | undefined): LocalImage {
  const given = image && !('code' in image) ? image : {};
  return {
    id: given.id ?? `id-of-${reference}`,
    digest: given.digest ?? `sha256:of-${reference}`,
    user: given.user ?? '',
    environment: given.environment ?? {},
    hasProgram: given.hasProgram ?? true,
    ports: given.ports ?? [],
    platform: given.platform ?? 'linux/amd64',
  };
}
