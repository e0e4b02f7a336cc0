import type Docker from 'dockerode';
import { LRUCache } from 'lru-cache';
import type { Readable } from 'node:stream';
import {
  ContainerRuntime,
  type ContainerSpec,
  type ContainerUser,
  type EngineFacts,
  type ImageRequest,
  type ImageResult,
  type NetworkResult,
  type RunningContainer,
  type StaleSweep,
} from './container-runtime.js';
import { ContainerFolderGiver } from './container-folder-giver.js';
import { type Ping, startContainer } from './docker-container.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { BUILT_LABELS, isForgotten, isGone, LABELS, ownerLabel } from './docker-labels.js';
import { EngineLife } from './engine-life.js';
import { pingEngine } from './engine-ping.js';
import { EngineLimits } from './engine-limits.js';
import { dockerAt, listContainers, removeContainers } from './docker-removal.js';
import type { PrivateImages } from './private-images.js';
import { listBuilt, removeBuilt } from './built-images.js';
import type { DockerOptions } from './docker-options.js';
import { DockerImages } from './docker-images.js';
import { ImageCleaner } from './image-cleaner.js';
import type { FolderGiver } from './folder-giver.js';
import { nothingImage } from './nothing-image.js';
import {
  groupNetworkName,
  listNetworks,
  openGroupNetwork,
  openStepsNetwork,
  removeNetworks,
  stepsNetworkName,
} from './docker-network.js';
import { numberedUser, userInFiles } from './image-users.js';
import { notStarted } from './not-started.js';
import { createOptions } from './step-container.js';

const MAX_USERS = 500;
const NO_NETWORK = /network \S+ not found|unable to find network/i;

/** Containers on a Docker Engine, or on what speaks its API. */
export class DockerRuntime extends ContainerRuntime {
  private readonly docker: Docker;
  private readonly installation: Readonly<Record<string, string>>;
  private readonly labels: Readonly<Record<string, string>>;
  private readonly users = new LRUCache<string, Promise<ContainerUser | undefined>>({
    max: MAX_USERS,
  });
  private readonly images: DockerImages;
  /** Removes what nobody uses of the images that were fetched. */
  readonly cleaner: ImageCleaner;
  private readonly removals = new Set<Promise<void>>();
  /** That of steps, while it is being made, and once it is there. */
  private network: Promise<NetworkResult> | undefined;
  private platform: string | undefined;
  /** Networks that are being made, by their groups. */
  private readonly opening = new Map<string, Promise<NetworkResult>>();
  private readonly limits = new EngineLimits();
  private readonly life: EngineLife;
  private readonly ping: Ping = async () => {
    const stamp = await pingEngine(this.options.host);
    return `${stamp} ${await this.life.number()}`;
  };

  constructor(private readonly options: DockerOptions) {
    super();
    this.docker = dockerAt(options.host);
    this.life = new EngineLife(options.host);
    this.images = new DockerImages(this.docker, options, () => this.enginePlatform());
    this.cleaner = new ImageCleaner(this.docker, this.images.pulled, options.installation);
    this.installation = { [LABELS.installation]: options.installation };
    this.labels = { ...this.installation, [LABELS.owner]: ownerLabel(process.pid) };
  }

  get privateImages(): PrivateImages {
    return this.images.private;
  }

  /**
   * The engine was started again: what this process remembers to be there, or to be so, is asked
   * for again. What groups use stays known.
   */
  forgetEngine(): void {
    this.network = undefined;
    this.platform = undefined;
    this.images.private.forget();
  }

  async facts(): Promise<EngineFacts> {
    const version = await asked(this.docker.version());
    const isPodman = version.Components?.some(({ Name: name }) => /podman/i.test(name)) === true;
    return {
      name: `${isPodman ? 'podman' : 'docker'} ${version.Version}`,
      platform: `${version.Os}/${version.Arch}`,
    };
  }

  provide(
    request: ImageRequest,
    onProgress: (line: string) => void,
    signal: AbortSignal,
  ): Promise<ImageResult> {
    return this.images.provide(request, onProgress, signal);
  }

  /** Whether a path of this machine is the same on the engine's. */
  async sees(path: string): Promise<boolean> {
    const image = await nothingImage(this.docker);
    try {
      const container = await asked(
        this.docker.createContainer({
          Image: image,
          Cmd: ['-'],
          Labels: { ...this.labels },
          HostConfig: {
            NetworkMode: 'none',
            Mounts: [{ Type: 'bind', Source: path, Target: '/probe', ReadOnly: true }],
          },
        }),
      );
      await orGone(container.remove({ force: true }));
      return true;
    } catch (error) {
      if (statusOf(error) === undefined) throw error;
      return false;
    }
  }

  /** @param program built file of `giveTree` */
  folderGiver(program: string): FolderGiver {
    const { docker, labels, ping } = this;
    return new ContainerFolderGiver({ docker, labels, ping }, program, this.options.report);
  }

  userOf(imageId: string, user: string): Promise<ContainerUser | undefined> {
    const numbered = numberedUser(user);
    if (numbered) return Promise.resolve(numbered);
    const key = `${imageId} ${user}`;
    const known = this.users.get(key);
    if (known) return known;
    const found = this.readUser(imageId, user);
    this.users.set(key, found);
    found.catch(() => this.users.delete(key));
    return found;
  }

  async start(spec: ContainerSpec, isAgain = false): Promise<RunningContainer> {
    if (spec.network === 'steps') {
      const opened = await this.openNetwork(undefined);
      if (opened.kind !== 'network') return notStarted(opened.message);
    }
    const { ulimits } = this.limits;
    const options = createOptions(spec, {
      labels: this.labels,
      ulimits,
      capabilities: this.options.capabilities,
      stepsNetwork: stepsNetworkName(this.options.installation),
    });
    try {
      return await startContainer(this.docker, options, (made) => this.remove(made), this.ping);
    } catch (error) {
      if (statusOf(error) === undefined) throw error;
      const message = saidBy(error);
      if (spec.network === 'steps' && NO_NETWORK.test(message) && !isAgain) {
        // Somebody has removed it: nothing was in it.
        this.network = undefined;
        return this.start(spec, true);
      }
      return this.limits.lower(message, ulimits) ? this.start(spec) : notStarted(message);
    }
  }

  openNetwork(group: string | undefined): Promise<NetworkResult> {
    return group === undefined ? this.openForSteps() : this.openForGroup(group);
  }

  private openForSteps(): Promise<NetworkResult> {
    const opened = (this.network ??= openStepsNetwork(this.docker, this.options.installation));
    const forget = (): void => {
      if (this.network === opened) this.network = undefined;
    };
    opened.then(({ kind }) => kind === 'network' || forget(), forget);
    return opened;
  }

  private openForGroup(group: string): Promise<NetworkResult> {
    // Engines tell of a network before containers can be in it: who asks meanwhile waits as well.
    const known = this.opening.get(group);
    if (known) return known;
    const name = groupNetworkName(this.options.installation, group);
    const labels = { ...this.labels, [LABELS.group]: group };
    const opened = openGroupNetwork(this.docker, name, labels);
    this.opening.set(group, opened);
    return opened.finally(() => this.opening.delete(group));
  }

  async sweep(group: string): Promise<number> {
    this.images.pulled.release(group);
    await Promise.all(this.removals);
    const labels = { ...this.installation, [LABELS.group]: group };
    const ended = await removeContainers(this.docker, labels);
    await removeNetworks(this.docker, labels);
    await removeBuilt(this.docker, { ...this.builtHere, [BUILT_LABELS.group]: group });
    return ended;
  }

  private async groups(): Promise<readonly string[]> {
    const [containers, networks, images] = await Promise.all([
      listContainers(this.docker, this.installation),
      listNetworks(this.docker, this.installation),
      listBuilt(this.docker, this.builtHere),
    ]);
    return [
      ...new Set([
        ...[...containers, ...networks].flatMap(({ Labels: own }) => own?.[LABELS.group] ?? []),
        ...images.flatMap(({ Labels: own }) => own?.[BUILT_LABELS.group] ?? []),
      ]),
    ];
  }

  async sweepStale(): Promise<StaleSweep> {
    const ended = await removeContainers(
      ...([this.docker, this.installation] as const),
      ({ Labels: labels, Created: created }) =>
        isGone(labels[LABELS.owner] ?? '') || isForgotten(labels, Date.now() - created * 1000),
    );
    await removeNetworks(this.docker, this.installation, (labels) =>
      isGone(labels[LABELS.owner] ?? ''),
    );
    await removeBuilt(this.docker, this.builtHere, ({ Labels: labels }) =>
      isGone(labels[BUILT_LABELS.owner] ?? ''),
    );
    return { ended, groups: await this.groups() };
  }

  async close(): Promise<void> {
    this.life.close();
    await this.images.pulled.close();
    await Promise.all(this.removals);
  }

  /** Asked of it once. */
  private async enginePlatform(): Promise<string> {
    this.platform ??= (await this.facts()).platform;
    return this.platform;
  }

  private get builtHere(): Readonly<Record<string, string>> {
    return { [BUILT_LABELS.installation]: this.options.installation };
  }

  /** In the background: a step does not wait for it, `sweep` does. */
  private remove(container: Docker.Container): void {
    const removal = orGone(container.remove({ force: true, v: true })).then(
      () => undefined,
      // The engine is away; `sweep` comes by the label.
      (error: unknown) => this.options.report('a container was not removed', error),
    );
    this.removals.add(removal);
    void removal.finally(() => this.removals.delete(removal));
  }

  private async readUser(imageId: string, user: string): Promise<ContainerUser | undefined> {
    const container = await asked(
      this.docker.createContainer({
        Image: imageId,
        Cmd: ['-'],
        Labels: { ...this.labels },
        HostConfig: { NetworkMode: 'none' },
      }),
    );
    try {
      const read = async (path: string): Promise<Readable | undefined> =>
        (await orGone(container.getArchive({ path }))) as Readable | undefined;
      return await userInFiles(user, read);
    } finally {
      this.remove(container);
    }
  }
}
