import { validationError } from '../common/errors/millrace.error.js';
import { splitUrlCredentials } from '../common/url-credentials.js';
import { FORGE_KINDS, type ForgeKind } from '../integrations/forge/forge-event.js';

/** Where a repository is, as somebody named it. */
export interface ForgeAddress {
  readonly forge: ForgeKind;
  /** Empty for GitLab, whose API is not used. */
  readonly apiUrl: string;
  /** `owner/name`; of GitLab with all groups. */
  readonly fullName: string;
  /** `https://host/owner/name`, without credentials. */
  readonly webUrl: string;
}

const KNOWN_HOSTS: ReadonlyMap<string, ForgeKind> = new Map([
  ['github.com', 'github'],
  ['www.github.com', 'github'],
  ['codeberg.org', 'gitea'],
  ['gitea.com', 'gitea'],
  ['gitlab.com', 'gitlab'],
]);

/**
 * Forge, API and name of a repository by its URL. Which forge a host runs cannot be seen from its
 * name, so it must be said unless it is one of the large ones.
 * @throws ValidationError, which repeats nothing of a URL that may hold credentials
 */
export function forgeAddress(
  url: string,
  { forge: named, apiUrl }: { readonly forge?: ForgeKind; readonly apiUrl?: string },
): ForgeAddress {
  if (!URL.canParse(url) || !/^https?:\/\//i.test(url)) {
    throw invalid('url', 'must be the http or https URL of a repository: https://host/owner/name');
  }
  const { url: plain, credentials } = splitUrlCredentials(url);
  if (credentials) {
    throw invalid('url', 'must hold no credentials: give them as `token`');
  }
  const parsed = new URL(plain);
  const fullName = parsed.pathname.replace(/^\/+|\/+$/g, '').replace(/\.git$/, '');
  if (parsed.search || parsed.hash || !/^[^/]+(\/[^/]+)+$/.test(fullName)) {
    throw invalid('url', 'must end with owner and name of the repository: https://host/owner/name');
  }
  const forge = named ?? KNOWN_HOSTS.get(parsed.hostname);
  if (forge === undefined) {
    throw invalid('forge', `must say which forge runs there: ${FORGE_KINDS.join(', ')}`);
  }
  if (forge !== 'gitlab' && fullName.split('/').length !== 2) {
    throw invalid('url', 'must end with owner and name of the repository: https://host/owner/name');
  }
  if (forge === 'gitlab' && apiUrl !== undefined) {
    throw invalid('api_url', 'is not taken: the API of GitLab is not used');
  }
  return {
    forge,
    apiUrl: apiUrl?.replace(/\/+$/, '') ?? defaultApi(forge, parsed),
    fullName,
    webUrl: `${parsed.origin}/${fullName}`,
  };
}

function defaultApi(forge: ForgeKind, { origin, hostname }: URL): string {
  switch (forge) {
    case 'github':
      return KNOWN_HOSTS.get(hostname) === 'github' ? 'https://api.github.com' : `${origin}/api/v3`;
    case 'gitea':
      return `${origin}/api/v1`;
    case 'gitlab':
      return '';
  }
}

function invalid(path: string, message: string): Error {
  return validationError('The repository cannot be connected.', {
    details: [{ path, code: 'invalid', message: `${path} ${message}` }],
    suggestions: [
      path === 'url'
        ? 'Copy the address of its page from the browser.'
        : `Change ${path}, or leave it out if the page of the API does not ask for it.`,
    ],
  });
}
