import { createHash, createHmac } from 'node:crypto';

/** A key of a host, as a line of `known_hosts` has it. */
export interface HostKey {
  /** `ssh-ed25519`. */
  readonly type: string;
  readonly bytes: Buffer;
}

interface Line extends HostKey {
  readonly hosts: string;
  readonly isRevoked: boolean;
}

/**
 * Lines as OpenSSH has them (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): names with `*`, `?` and `!`,
 * `[host]:port`, hashed names, `@revoked`. Lines of `@cert-authority` say nothing here:
 * certificates of hosts are not used.
 */
export class KnownHosts {
  private readonly lines: readonly Line[];

  constructor(text: string) {
    this.lines = text.split(/\r?\n/).flatMap((line) => parsed(line.trim()));
  }

  /** Keys that the host may show. Empty: it is not known. */
  keysOf(host: string, port: number): readonly HostKey[] {
    const name = nameOf(host, port);
    const own = this.lines.filter(({ hosts }) => fits(hosts, name));
    const revoked = own.filter(({ isRevoked }) => isRevoked);
    return own.filter(
      ({ isRevoked, bytes }) => !isRevoked && !revoked.some((one) => one.bytes.equals(bytes)),
    );
  }
}

/** What a host is called in `known_hosts`. */
export function nameOf(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** As `ssh-keygen -l` shows a key. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function parsed(line: string): readonly Line[] {
  if (line === '' || line.startsWith('#')) return [];
  const words = line.split(/[ \t]+/);
  const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
  if (marker !== undefined && marker !== '@revoked') return [];
  const [hosts, type, key] = words;
  if (hosts === undefined || type === undefined || key === undefined) return [];
  const bytes = Buffer.from(key, 'base64');
  return bytes.length === 0 ? [] : [{ hosts, type, bytes, isRevoked: marker !== undefined }];
}

function fits(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return fitsHash(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  const isOne = (pattern: string): boolean => fitsPattern(pattern, name);
  if (patterns.some((one) => one.startsWith('!') && isOne(one.slice(1)))) return false;
  return patterns.some((one) => !one.startsWith('!') && isOne(one));
}

/** `|1|salt|hash`: HMAC-SHA1 of the name. Nothing of it is a secret. */
function fitsHash(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  const own = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return own.equals(Buffer.from(hash, 'base64'));
}

/** Two places that move forward: linear in what is matched, whatever the pattern. */
function fitsPattern(pattern: string, name: string): boolean {
  let [at, in_, star, mark] = [0, 0, -1, 0];
  while (in_ < name.length) {
    const wanted = pattern[at];
    if (wanted === '*') {
      star = at;
      mark = in_;
      at += 1;
    } else if (wanted === '?' || wanted === name[in_]) {
      at += 1;
      in_ += 1;
    } else if (star >= 0) {
      at = star + 1;
      mark += 1;
      in_ = mark;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}
