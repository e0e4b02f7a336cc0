/** Where a browser goes after its log-in when it did not say. */
export const DEFAULT_RETURN = '/api/sessions/me';

const MAX_LENGTH = 1_000;

/**
 * The address that a browser is led to after its log-in; undefined for any that is not a path of
 * this server: a log-in must not lead to a page of somebody else, who could show anything.
 * @param returnTo a path with query and fragment
 */
export function returnAddress(returnTo: string, publicUrl: string): string | undefined {
  // Browsers take `\` for `/`, and leave out tabs and line breaks.
  if (returnTo.length > MAX_LENGTH || !/^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(returnTo)) {
    return undefined;
  }
  const { origin } = new URL(publicUrl);
  const url = new URL(returnTo, origin);
  return url.origin === origin ? url.href : undefined;
}
