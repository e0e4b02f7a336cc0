import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AbsentRuntime } from './absent-runtime.js';
import type { ContainerRuntime } from './container-runtime.js';
import { ContainerSupport } from './container-support.js';
import { saidBy } from './docker-errors.js';
import { type DockerOptions, DockerRuntime } from './docker-runtime.js';
import { ensureNosuid } from './nosuid-mount.js';

export interface RuntimeChoice {
  readonly runtime: ContainerRuntime;
  readonly support: ContainerSupport;
}

export interface ChoiceOptions extends Omit<DockerOptions, 'host'> {
  /** Undefined = that of this machine, if there is one. */
  readonly host: string | undefined;
  /** Where workspaces are: the engine must see them, too. */
  readonly workspaces: string;
  /** What a container leaves must then give nobody the rights of root. */
  readonly stepsAreOtherUser: boolean;
}

const OWN_SOCKET = '/var/run/docker.sock';

/** The engine that steps run on, or why there is none. Never rejects. */
export async function chooseRuntime(options: ChoiceOptions): Promise<RuntimeChoice> {
  const { host, workspaces } = options;
  if (host === undefined && !existsSync(OWN_SOCKET)) {
    return none(`there is no container engine at ${OWN_SOCKET}; DOCKER_HOST names another one`);
  }
  if (process.getuid?.() !== 0) {
    return none('steps in containers need a worker that is started as root');
  }
  const runtime = new DockerRuntime({ ...options, host: host ?? `unix://${OWN_SOCKET}` });
  try {
    const { name, platform } = await runtime.facts();
    await mkdir(workspaces, { recursive: true, mode: 0o711 });
    if (options.stepsAreOtherUser) await ensureNosuid(workspaces);
    if (!(await sees(runtime, workspaces))) {
      return none(`${name} does not see ${workspaces}, where the workspaces are`);
    }
    return { runtime, support: ContainerSupport.by(name, platform) };
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
  return { runtime: new AbsentRuntime(reason), support: ContainerSupport.none(reason) };
}
