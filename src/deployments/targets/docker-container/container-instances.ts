import type { CommandEnd, CommandRequest } from '../../../common/values/command-end.js';
import type { ServiceContainers } from '../../../integrations/container-runtime/service-containers.js';
import { orAway } from '../or-away.js';
import { type InstanceState, type ListedInstance, ReleaseInstances } from '../release-instances.js';

/** Between TERM and KILL, ms. */
const GRACE_MS = 10_000;

/** Containers of releases. The engine never starts one again by itself. */
export class ContainerInstances extends ReleaseInstances {
  readonly type = 'docker_container';

  constructor(private readonly containers: ServiceContainers) {
    super();
  }

  async list(): Promise<readonly ListedInstance[]> {
    return (await orAway(this.containers.list())).map((name) => ({ name }));
  }

  async look(name: string): Promise<InstanceState | undefined> {
    const now = await orAway(this.containers.look(name));
    if (now === undefined) return undefined;
    const end = now.outOfMemory
      ? 'its container used up its memory'
      : `its container ended with exit code ${now.exitCode}`;
    const { state, startedAt, pid = null, exitCode = null, said, health } = now;
    return { state, end, exitCode, restarts: 0, startedAt, pid, container: { said, health } };
  }

  async said(name: string, lines: number, mostBytes?: number): Promise<readonly string[]> {
    const text = await orAway(this.containers.said(name, lines, mostBytes));
    return text === '' ? [] : text.split('\n');
  }

  exec(name: string, request: CommandRequest): Promise<CommandEnd | undefined> {
    return orAway(this.containers.exec(name, request));
  }

  remove(name: string): Promise<void> {
    return orAway(this.containers.remove(name, GRACE_MS));
  }
}
