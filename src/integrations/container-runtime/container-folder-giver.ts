import type Docker from 'dockerode';
import { readFileSync, realpathSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { errorLine } from '../../common/child-process/error-line.js';
import type { Mount, RunningContainer } from './container-runtime.js';
import { type Ping, startContainer } from './docker-container.js';
import { orGone, saidBy } from './docker-errors.js';
import type { DockerOptions } from './docker-options.js';
import { FolderGiver, type GivenFolder } from './folder-giver.js';
import { nothingImage } from './nothing-image.js';
import { ownProgram } from './own-program.js';
import { bindMounts } from './step-container.js';

/** Where the container sees what is given. */
const TREE = '/tree';
const PROGRAM = '/program/give-tree.mjs';
const MAIN = `import { giveTree } from '${PROGRAM}';
giveTree('${TREE}', JSON.parse(process.argv[1]));`;
/** What root of the container may: go everywhere in the tree, and change owners and modes there. */
const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID'];
const MAX_PIDS = 64;

/** An engine by which files are given. */
export interface GivingEngine {
  readonly docker: Docker;
  /** Those of all containers of this process. */
  readonly labels: Readonly<Record<string, string>>;
  readonly ping: Ping;
}

/**
 * By a container that can see nothing but the folder, this Node and its libraries. Its image has no
 * files, so that nothing of it comes from anywhere else.
 */
export class ContainerFolderGiver extends FolderGiver {
  readonly isThere = true;
  private readonly node = ownProgram(
    readFileSync('/proc/self/maps', 'utf8'),
    realpathSync(process.execPath),
  );

  constructor(
    private readonly engine: GivingEngine,
    /** Built file of `giveTree`. */
    private readonly program: string,
    private readonly report: DockerOptions['report'],
  ) {
    super();
  }

  async give({ folder, ...to }: GivenFolder): Promise<void> {
    const container = await this.start(folder, JSON.stringify(to));
    const [said, exit] = await Promise.all([text(container.stderr), container.exit]);
    container.stdout.resume();
    if (exit.kind !== 'exited') throw new Error(exit.message);
    if (exit.exitCode !== 0) throw new Error(errorLine(said) || `exit code ${exit.exitCode}`);
  }

  private async start(folder: string, to: string): Promise<RunningContainer> {
    try {
      const options = await this.options(folder, to);
      const { docker, ping } = this.engine;
      return await startContainer(docker, options, (container) => this.remove(container), ping);
    } catch (error) {
      throw new Error(saidBy(error), { cause: error });
    }
  }

  /** Behind the work; whatever is left is found by its labels. */
  private remove(container: Docker.Container): void {
    orGone(container.remove({ force: true })).catch((error: unknown) =>
      this.report('a container was not removed', error),
    );
  }

  private async options(folder: string, to: string): Promise<Docker.ContainerCreateOptions> {
    const mounts: readonly Mount[] = [
      ...this.node.mounts,
      { source: this.program, target: PROGRAM, readOnly: true },
      { source: folder, target: TREE },
    ];
    return {
      Image: await nothingImage(this.engine.docker),
      Cmd: [...this.node.command, '--input-type=module', '--eval', MAIN, to],
      User: '0:0',
      Labels: { ...this.engine.labels },
      AttachStdout: true,
      AttachStderr: true,
      HostConfig: {
        Mounts: bindMounts(mounts),
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        CapAdd: CAPABILITIES,
        SecurityOpt: ['no-new-privileges'],
        PidsLimit: MAX_PIDS,
        LogConfig: { Type: 'none', Config: {} },
      },
    };
  }
}
