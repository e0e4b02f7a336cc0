import type Docker from 'dockerode';
import { mkdir, mkdtemp, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { engineAddress, OWN_ENGINE } from '../../config/container-engine.js';
import { chooseBuilder } from './choose-builder.js';
import { EngineAwayError } from './container-runtime.js';
import { ContainerSupport } from './container-support.js';
import { DockerBuilder } from './docker-builder.js';
import { asked, saidBy } from './docker-errors.js';
import type { DockerOptions } from './docker-options.js';
import { dockerAt } from './docker-removal.js';
import { DockerRuntime } from './docker-runtime.js';
import { pingEngine } from './engine-ping.js';
import type { EngineProbe, EngineProof } from './engine-watch.js';
import { AbsentFolderGiver, type FolderGiver } from './folder-giver.js';
import { closeHost } from './host-firewall.js';
import type { ImageCleaner } from './image-cleaner.js';
import { NosuidMount } from './nosuid-mount.js';

export interface ProverOptions extends Omit<DockerOptions, 'host' | 'installation'> {
  /** As that of `DockerOptions`. While it rejects, no engine is fit. */
  readonly installation: () => Promise<string>;
  /** Undefined = that of this machine, if there is one. */
  readonly host: string | undefined;
  /** Where workspaces are: the engine must see them, too. */
  readonly workspaces: string;
  /** What a container leaves must then give nobody the rights of root. */
  readonly stepsAreOtherUser: boolean;
  /** Built file of `giveTree`. */
  readonly giveTree: string;
}

/** What is kept of an engine from one proof to the next. */
interface KnownEngine {
  readonly identity: string;
  readonly runtime: DockerRuntime;
}

/** An engine that answers. */
interface Found {
  readonly host: string;
  readonly installation: string;
  /** See `EngineProof`. */
  readonly stamp: string;
}

const NOT_KNOWN =
  'the database has not told yet which installation this is: nothing is begun on the engine before';
const SOCKET_SHARED =
  'steps in the shell are the user of the worker, who may use the engine: they are root of its machine';

/**
 * Proves that steps run on an engine: it answers, sees the workspaces, and can give files away
 * where this process cannot. Each proof makes sure of what must be there once for an engine, such
 * as the rules of the firewall.
 */
export class EngineProver implements EngineProbe {
  private known: KnownEngine | undefined;
  private mount: NosuidMount | undefined;

  constructor(private readonly options: ProverOptions) {}

  /** Removes what nobody uses of the images on the engine that was proved last. */
  get cleaner(): ImageCleaner | undefined {
    return this.known?.runtime.cleaner;
  }

  /** @throws EngineAwayError */
  ping(): Promise<string> {
    const host = engineAddress(this.options.host);
    if (host === undefined) return Promise.reject(new EngineAwayError(`nothing at ${OWN_ENGINE}`));
    return pingEngine(host);
  }

  async prove(): Promise<EngineProof> {
    const host = engineAddress(this.options.host);
    if (host === undefined) {
      return {
        kind: 'away',
        reason: `there is no container engine at ${OWN_ENGINE}: start Docker, or set DOCKER_HOST to the socket of one`,
      };
    }
    try {
      const stamp = await pingEngine(host);
      const installation = await this.installation();
      if (installation === undefined) return { kind: 'away', reason: NOT_KNOWN };
      const runtime = await this.runtimeAt(host, installation);
      return await this.proveBy(runtime, { host, installation, stamp });
    } catch (error) {
      const reason = saidBy(error);
      if (error instanceof EngineAwayError) return { kind: 'away', reason };
      return this.unfit(reason);
    }
  }

  async close(): Promise<void> {
    await this.closeKnown();
    await this.mount?.release();
    this.mount = undefined;
  }

  /** Undefined: it cannot be told now. */
  private async installation(): Promise<string | undefined> {
    try {
      return await this.options.installation();
    } catch (error) {
      this.options.report('whose containers those on the engine are is not known yet', error);
      return undefined;
    }
  }

  /** The earlier one, where the engine is the same: it knows what runs there. */
  private async runtimeAt(host: string, installation: string): Promise<DockerRuntime> {
    const identity = await identityOf(dockerAt(host));
    if (this.known?.identity === identity) {
      this.known.runtime.forgetEngine();
      return this.known.runtime;
    }
    this.forget();
    const runtime = new DockerRuntime({ ...this.options, host, installation });
    this.known = { identity, runtime };
    return runtime;
  }

  private async proveBy(
    runtime: DockerRuntime,
    { host, installation, stamp }: Found,
  ): Promise<EngineProof> {
    const { workspaces, stepsAreOtherUser, giveTree } = this.options;
    const isRoot = process.getuid?.() === 0;
    const { name, platform } = await runtime.facts();
    await mkdir(workspaces, { recursive: true, mode: 0o711 });
    // Whom a file of root's could give rights that they do not have: see `socketShared`.
    if (isRoot && stepsAreOtherUser) this.mount ??= await NosuidMount.over(workspaces);
    if (!(await sees(runtime, workspaces))) {
      return this.unfit(`${name} does not see ${workspaces}, where the workspaces are`);
    }
    const giver = isRoot ? new AbsentFolderGiver() : runtime.folderGiver(giveTree);
    const notGiven = await whyNotGiven(giver, workspaces);
    if (notGiven !== undefined) return this.unfit(notGiven);
    const { program, reason } = await chooseBuilder(name);
    const { privateImages } = runtime;
    const builder = new DockerBuilder({ host, installation, program, reason, privateImages });
    const hostReachable = await closeHost({ isPodman: name.startsWith('podman') });
    const support = ContainerSupport.by(name, platform, {
      ...{ builder: program?.name, reason, hostReachable },
      socketShared: isRoot ? undefined : SOCKET_SHARED,
    });
    return { kind: 'fit', stamp, support, parts: { runtime, builder, giver } };
  }

  private unfit(reason: string): EngineProof {
    this.forget();
    return { kind: 'unfit', reason };
  }

  /** Nothing waits for an engine that may be gone. */
  private forget(): void {
    this.closeKnown().catch((error: unknown) =>
      this.options.report('the earlier engine was not let go', error),
    );
  }

  private async closeKnown(): Promise<void> {
    const { known } = this;
    this.known = undefined;
    await known?.runtime.close();
  }
}

/**
 * Names an engine and what is stored on it. Of two that know each other's id by the file of a
 * machine, the folders of their data differ; Podman says another id each time, and is new each
 * time.
 */
async function identityOf(docker: Docker): Promise<string> {
  const facts = (await asked(docker.info())) as { readonly ID?: string; DockerRootDir?: string };
  return `${facts.ID ?? ''} ${facts.DockerRootDir ?? ''}`;
}

/** A name that nobody else can have made: an engine that knows it has the same files as we. */
async function sees(runtime: DockerRuntime, folder: string): Promise<boolean> {
  const probe = await mkdtemp(join(folder, 'engine-'));
  try {
    return await runtime.sees(probe);
  } finally {
    await rmdir(probe);
  }
}

/** Gives a folder to root and back; undefined: that works, or is not needed. */
async function whyNotGiven(giver: FolderGiver, folder: string): Promise<string | undefined> {
  if (!giver.isThere) return undefined;
  const probe = await mkdtemp(join(folder, 'given-'));
  const own = await stat(probe);
  try {
    await giver.give({ folder: probe, uid: 0, gid: 0, isShared: false });
    if ((await stat(probe)).uid !== 0) {
      return 'the engine gives files to users of its own (rootless, or userns-remap), which needs a worker that is started as root';
    }
    await giver.give({ folder: probe, uid: own.uid, gid: own.gid, isShared: false });
    return undefined;
  } catch (error) {
    return `a container cannot hand files over, and the worker is not root: ${saidBy(error)}`;
  } finally {
    await rmdir(probe);
  }
}
