import type Docker from 'dockerode';
import type { LocalImage } from './container-runtime.js';
import { nameRecord, type NameRecord } from '../../common/values/name-record.js';
import { orGone } from './docker-errors.js';

/** What the engine has under the name; undefined: nothing, or what is not to be seen. */
export async function findImage(
  docker: Docker,
  reference: string,
  isHidden: (image: Docker.ImageInspectInfo) => boolean = () => false,
): Promise<LocalImage | undefined> {
  const found = await orGone(docker.getImage(reference).inspect());
  if (found === undefined || isHidden(found)) return undefined;
  const { Os: os, Architecture: architecture, Variant: variant } = found;
  const [, digest] = found.RepoDigests?.find((one) => isOf(one, reference))?.split('@') ?? [];
  const { User: user, Cmd: command, Entrypoint: entrypoint, Env: variables } = found.Config;
  const { ExposedPorts: exposed } = found.Config;
  return {
    id: found.Id,
    digest: digest ?? found.Id,
    user: user ?? '',
    environment: environmentOf(variables),
    hasProgram: (command?.length ?? 0) > 0 || (entrypoint?.length ?? 0) > 0,
    ports: portsOf(exposed),
    platform: [os, architecture, ...(variant ? [variant] : [])].join('/'),
  };
}

/** Of words `NAME=value`, as the engine keeps them. */
function environmentOf(words: readonly string[] | undefined | null): NameRecord<string> {
  return nameRecord(
    (words ?? []).map((word): [string, string] => {
      const [name = '', ...value] = word.split('=');
      return [name, value.join('=')];
    }),
  );
}

/** Of names `80/tcp`, or `80`, as the engine keeps them. */
function portsOf(exposed: Readonly<Record<string, unknown>> | undefined | null): number[] {
  const ports = Object.keys(exposed ?? {}).flatMap((name) => {
    const port = Number(/^(\d{1,5})(?:\/tcp)?$/.exec(name)?.[1] ?? 0);
    return port >= 1 && port <= 65_535 ? [port] : [];
  });
  return [...new Set(ports)].sort((a, b) => a - b);
}

/** Digests of an image name where it came from: `registry.example/app@sha256:…`. */
export function isOf(repoDigest: string, reference: string): boolean {
  const name = (text: string): string =>
    text
      .replace(/@.*$/, '')
      .replace(/:[^:/]*$/, '')
      .replace(/^docker\.io\/(library\/)?/, '');
  return name(repoDigest) === name(reference);
}
