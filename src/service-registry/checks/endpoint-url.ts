/** Where a service answers, as it is stored. */
export type EndpointUrl =
  | { readonly url: string; readonly problem?: undefined }
  | { readonly url?: undefined; readonly problem: string };

export const MAX_URL_LENGTH = 2048;

/**
 * Reads an endpoint as somebody wrote it: `http://`, `https://` with a path at most, or
 * `tcp://host:port`. A log-in or a query might hold a secret, which would be shown to every viewer.
 */
export function readEndpoint(text: string): EndpointUrl {
  if (text.length > MAX_URL_LENGTH) return { problem: `it is longer than ${MAX_URL_LENGTH}` };
  const url = URL.parse(text);
  if (url === null || !/^(https?|tcp):\/\//i.test(text)) {
    return { problem: 'it must be a URL with http://, https:// or tcp://' };
  }
  if (url.username !== '' || url.password !== '') return { problem: 'it must hold no log-in' };
  if (url.search !== '' || url.hash !== '' || /[?#]/.test(text)) {
    return { problem: 'it must hold no query and no fragment' };
  }
  if (url.hostname === '') return { problem: 'it names no host' };
  if (url.protocol !== 'tcp:') return { url: url.href };
  if (url.port === '' || url.port === '0') return { problem: 'it must name a port' };
  if (url.pathname !== '' && url.pathname !== '/') return { problem: 'tcp:// has no path' };
  return { url: `tcp://${url.hostname.toLowerCase()}:${url.port}` };
}

/** Of a URL that {@link readEndpoint} made. */
export function portOf(endpoint: string): number {
  const { port, protocol } = new URL(endpoint);
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}
