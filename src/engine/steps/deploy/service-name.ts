/** A label of a host name. */
export const SERVICE_NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Whether a text names a service or an environment: a label of a host name (RFC 1123), in small
 * letters, so that a service can be looked up by it.
 */
export function isServiceName(text: string): boolean {
  return SERVICE_NAME.test(text);
}
