import type { GitScheme } from './clone-request.js';

/**
 * The URL to clone a submodule from. A relative one (`../x.git`) belongs to the URL of the
 * repository that holds it. One for ssh (`git@host:path`, `ssh://git@host/path`) of the same host
 * is asked for as that repository was, since whoever may clone the one by https mostly has no key
 * for the other. Other URLs are as they are written, and are to be checked.
 */
export function submoduleUrl(parent: string, url: string, schemes: readonly GitScheme[]): string {
  const base = new URL(parent);
  if (/^\.\.?(?:\/|$)/.test(url)) return new URL(url, `${parent.replace(/\/+$/, '')}/`).href;
  const ssh =
    /^(?:[^@/:]+@)?([^@/:]+):(?!\/\/)\/?(.+)$/.exec(url) ??
    /^ssh:\/\/(?:[^@/]+@)?([^@/:]+)(?::\d+)?\/(.+)$/i.exec(url);
  if (!ssh) return url;
  const [, host = '', path = ''] = ssh;
  if (host.toLowerCase() !== base.hostname) return url;
  if (base.protocol === 'ssh:' && schemes.includes('ssh')) {
    return `${base.protocol}//${base.username}@${base.host}/${path}`;
  }
  return `${base.origin}/${path}`;
}
