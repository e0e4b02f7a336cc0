import { mkdir, mkdtemp, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { engineAddress, OWN_ENGINE } from '../../config/container-engine.js';
import { AbsentRuntime } from './absent-runtime.js';
import { chooseBuilder } from './choose-builder.js';
import type { ContainerRuntime } from './container-runtime.js';
import { ContainerSupport } from './container-support.js';
import { DockerBuilder } from './docker-builder.js';
import { saidBy } from './docker-errors.js';
import type { DockerOptions } from './docker-options.js';
import { DockerRuntime } from './docker-runtime.js';
import { AbsentFolderGiver, type FolderGiver } from './folder-giver.js';
import type { ImageCleaner } from './image-cleaner.js';
import { closeHost } from './host-firewall.js';
import { AbsentBuilder, type ImageBuilder } from './image-builder.js';
import { NosuidMount } from './nosuid-mount.js';

export interface RuntimeChoice {
  readonly runtime: ContainerRuntime;
  readonly builder: ImageBuilder;
  readonly support: ContainerSupport;
  readonly giver: FolderGiver;
  /** Absent: there is no engine. */
  readonly cleaner?: ImageCleaner;
  close(): Promise<void>;
}

export interface ChoiceOptions extends Omit<DockerOptions, 'host'> {
  /** Undefined = that of this machine, if there is one. */
  readonly host: string | undefined;
  /** Where workspaces are: the engine must see them, too. */
  readonly workspaces: string;
  /** What a container leaves must then give nobody the rights of root. */
  readonly stepsAreOtherUser: boolean;
  /** Built file of `giveTree`. */
  readonly giveTree: string;
}

const SOCKET_SHARED =
  'steps in the shell are the user of the worker, who may use the engine: they are root of its machine';

/** The engine that steps run on, or why there is none. Never rejects. */
export async function chooseRuntime(options: ChoiceOptions): Promise<RuntimeChoice> {
  const { workspaces } = options;
  const host = engineAddress(options.host);
  if (host === undefined) {
    return none(
      `there is no container engine at ${OWN_ENGINE}: start Docker, or set DOCKER_HOST to the socket of one`,
    );
  }
  const isRoot = process.getuid?.() === 0;
  const runtime = new DockerRuntime({ ...options, host });
  let mount: NosuidMount | undefined;
  const close = async (): Promise<void> => {
    await runtime.close();
    await mount?.release();
  };
  const unfit = async (reason: string): Promise<RuntimeChoice> => {
    await close().catch((error: unknown) => options.report('the engine was not let go', error));
    return none(reason);
  };
  try {
    const { name, platform } = await runtime.facts();
    await mkdir(workspaces, { recursive: true, mode: 0o711 });
    // Whom a file of root's could give rights that they do not have: see `socketShared`.
    if (isRoot && options.stepsAreOtherUser) mount = await NosuidMount.over(workspaces);
    if (!(await sees(runtime, workspaces))) {
      return await unfit(`${name} does not see ${workspaces}, where the workspaces are`);
    }
    const giver = isRoot ? new AbsentFolderGiver() : runtime.folderGiver(options.giveTree);
    const notGiven = await whyNotGiven(giver, workspaces);
    if (notGiven !== undefined) return await unfit(notGiven);
    const { program, reason } = await chooseBuilder(name);
    const { installation } = options;
    const { privateImages } = runtime;
    const builder = new DockerBuilder({ host, installation, program, reason, privateImages });
    const hostReachable = await closeHost({ isPodman: name.startsWith('podman') });
    const built = { builder: program?.name, reason };
    const support = ContainerSupport.by(name, platform, {
      ...built,
      hostReachable,
      socketShared: isRoot ? undefined : SOCKET_SHARED,
    });
    const { cleaner } = runtime;
    return { runtime, builder, support, giver, cleaner, close };
  } catch (error) {
    return unfit(saidBy(error));
  }
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

function none(reason: string): RuntimeChoice {
  const runtime = new AbsentRuntime(reason);
  const builder = new AbsentBuilder(reason);
  return {
    ...{ runtime, builder, support: ContainerSupport.none(reason), giver: new AbsentFolderGiver() },
    close: () => runtime.close(),
  };
}
