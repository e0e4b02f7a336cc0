/**
 * One name for all the ways to write where a repository is: `https://u:p@Host:443/a/b.git/` and
 * `ssh://git@host/a/b` are the same. Undefined: it is no URL of one.
 */
export function repositoryKey(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port, pathname, protocol } = new URL(url);
  if (!['https:', 'http:', 'ssh:'].includes(protocol) || hostname === '') return undefined;
  const path = pathname.replace(/\/+$/, '').replace(/\.git$/, '');
  return `${hostname}${port === '' || protocol === 'ssh:' ? '' : `:${port}`}${path}`.toLowerCase();
}
