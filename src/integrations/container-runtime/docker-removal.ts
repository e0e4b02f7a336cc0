import Docker from 'dockerode';
import { asked, orGone } from './docker-errors.js';

/** @param host `unix:///…`, `tcp://host:port` or `http(s)://…` */
export function dockerAt(host: string): Docker {
  if (host.startsWith('unix://')) return new Docker({ socketPath: host.slice('unix://'.length) });
  const { hostname, port, protocol } = new URL(host.replace(/^tcp:/, 'http:'));
  const isTls = protocol === 'https:';
  return new Docker({
    host: hostname,
    port: port || (isTls ? 2376 : 2375),
    protocol: isTls ? 'https' : 'http',
  });
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
