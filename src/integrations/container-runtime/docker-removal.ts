import Docker from 'dockerode';
import { asked, orGone } from './docker-errors.js';
import { placeOf } from './engine-ping.js';

/** @param host `unix:///…`, `tcp://host:port` or `http(s)://…` */
export function dockerAt(host: string): Docker {
  return new Docker(placeOf(host));
}

/** All containers with these labels, running or not. */
export function listContainers(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
): Promise<Docker.ContainerInfo[]> {
  const label = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return asked(docker.listContainers({ all: true, filters: { label } }));
}

/** Removes containers with their anonymous volumes; how many of them ran. Idempotent. */
export async function removeContainers(
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  isWanted: (container: Docker.ContainerInfo) => boolean = () => true,
): Promise<number> {
  const containers = (await listContainers(docker, labels)).filter(isWanted);
  await Promise.all(
    containers.map(({ Id: id }) =>
      orGone(docker.getContainer(id).remove({ force: true, v: true })),
    ),
  );
  return containers.filter(({ State: state }) => state === 'running').length;
}
