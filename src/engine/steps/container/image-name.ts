import { quoted } from '../../../common/values/redact-urls.js';

/** Parts of an image's name, as the reference of the distribution project has them. */
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const HOST =
  '(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9-]+)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?';
const NAME = new RegExp(
  `^(?:(${HOST})/)?(${COMPONENT}(?:/${COMPONENT})*)(?::([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);
/**
 * What Millrace calls its own images and marks on the engines: no registry has the name. A pipeline
 * that could say one would take them over, or delete them.
 */
const RESERVED = 'millrace.invalid';
const MAX_REPOSITORY = 255;
const DEFAULT_HOST = 'docker.io';
/** Names under which people know the registry of Docker. */
const HOST_ALIASES: ReadonlySet<string> = new Set([
  'docker.io',
  'index.docker.io',
  'registry-1.docker.io',
  'registry.hub.docker.com',
]);

/**
 * The name of an image, taken apart by the rules of the engines: what stands before the first slash
 * is a host when it holds a dot or a colon, or is `localhost`.
 */
export interface ImageName {
  /** Host and port, normalised: lower case, aliases of docker.io as that, without `:443`. */
  readonly registry: string;
  /** With `library/` where the name had no slash on docker.io. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

/** Undefined for what is no name of an image that a pipeline may say. */
export function parseImageName(text: string): ImageName | undefined {
  const slash = text.indexOf('/');
  const first = slash < 0 ? '' : text.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost' || /[A-Z]/.test(first);
  const match = NAME.exec(isHost ? text : `${DEFAULT_HOST}/${text}`);
  const [, host, path, tag, digest] = match ?? [];
  if (host === undefined || path === undefined || path.length > MAX_REPOSITORY) return undefined;
  const registry = normalRegistry(host);
  if (registry === RESERVED) return undefined;
  const isShort = registry === DEFAULT_HOST && !path.includes('/');
  return {
    registry,
    repository: isShort ? `library/${path}` : path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  };
}

/** A host of a registry, with its port, as it is compared: two ways to write one are the same. */
export function normalRegistry(host: string): string {
  const plain = host.toLowerCase().replace(/:443$/, '');
  return HOST_ALIASES.has(plain) ? DEFAULT_HOST : plain;
}

/** The name as engines take it: whole, with `latest` where neither tag nor digest was given. */
export function imageReference({ registry, repository, tag, digest }: ImageName): string {
  const name = `${registry}/${repository}`;
  if (digest !== undefined) return `${name}@${digest}`;
  return `${name}:${tag ?? 'latest'}`;
}

/** What is wrong with the name of an image, in a sentence. */
export function imageNameProblem(text: string): string | undefined {
  if (/^https?:/i.test(text)) return 'The name of an image has no scheme.';
  if (parseImageName(text) !== undefined) return undefined;
  // What stands before a digest is no credential.
  const [name = '', digest] = text.split('@sha256:');
  const said = digest === undefined ? quoted(text, 100) : `${quoted(name, 100)}@sha256:…`;
  return `"${said}" is no name of an image.`;
}
