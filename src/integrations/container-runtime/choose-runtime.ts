import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
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
import type { ImageCleaner } from './image-cleaner.js';
import { closeHost } from './host-firewall.js';
import { AbsentBuilder, type ImageBuilder } from './image-builder.js';
import { NosuidMount } from './nosuid-mount.js';

export interface RuntimeChoice {
  readonly runtime: ContainerRuntime;
  readonly builder: ImageBuilder;
  readonly support: ContainerSupport;
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
}

/** The engine that steps run on, or why there is none. Never rejects. */
export async function chooseRuntime(options: ChoiceOptions): Promise<RuntimeChoice> {
  const { workspaces } = options;
  const host = engineAddress(options.host);
  if (host === undefined) {
    return none(`there is no container engine at ${OWN_ENGINE}; DOCKER_HOST names another one`);
  }
  if (process.getuid?.() !== 0) {
    return none('steps in containers need a worker that is started as root');
  }
  const runtime = new DockerRuntime({ ...options, host });
  try {
    const { name, platform } = await runtime.facts();
    await mkdir(workspaces, { recursive: true, mode: 0o711 });
    const mount = options.stepsAreOtherUser ? await NosuidMount.over(workspaces) : undefined;
    if (!(await sees(runtime, workspaces))) {
      await mount?.release();
      return none(`${name} does not see ${workspaces}, where the workspaces are`);
    }
    const close = async (): Promise<void> => {
      await runtime.close();
      await mount?.release();
    };
    const { program, reason } = await chooseBuilder(name);
    const { installation } = options;
    const { privateImages } = runtime;
    const builder = new DockerBuilder({ host, installation, program, reason, privateImages });
    const hostReachable = await closeHost();
    const built = { builder: program?.name, reason };
    const support = ContainerSupport.by(name, platform, { ...built, hostReachable });
    const { cleaner } = runtime;
    return { runtime, builder, support, cleaner, close };
  } catch (error) {
    return none(saidBy(error));
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

function none(reason: string): RuntimeChoice {
  const runtime = new AbsentRuntime(reason);
  const builder = new AbsentBuilder(reason);
  return { runtime, builder, support: ContainerSupport.none(reason), close: () => runtime.close() };
}
