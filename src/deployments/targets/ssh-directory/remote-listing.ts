import { createHash } from 'node:crypto';

export interface RemoteTree {
  /** `sha256:…` over names, permissions and contents of files, and over links. */
  readonly digest: string;
  readonly bytes: number;
  /** Path to SHA-256 in hex. */
  readonly contents: ReadonlyMap<string, string>;
}

/** A host has said what cannot be read. */
export class ListingError extends Error {
  constructor() {
    super('the host has listed the files of the release in an unknown form');
    this.name = 'ListingError';
  }
}

/**
 * What LIST_FILES and LIST_OTHERS have said of a release.
 * @returns undefined: it is not there
 * @throws ListingError
 */
export function readListing(files: Buffer, others: Buffer): RemoteTree | undefined {
  if (files.toString() === 'gone\n') return undefined;
  const contents = new Map<string, string>();
  const lines: string[] = [];
  let bytes = 0;
  for (const { path, mode, size, digest } of listedFiles(files)) {
    contents.set(path, digest);
    bytes += size;
    lines.push(`file\0${path}\0${mode} ${digest}\n`);
  }
  lines.push(...listedOthers(others));
  const hash = createHash('sha256');
  // Each host walks its folders in an order of its own.
  for (const line of lines.sort()) hash.update(line);
  return { digest: `sha256:${hash.digest('hex')}`, bytes, contents };
}

interface ListedFile {
  readonly path: string;
  /** Octal digits. */
  readonly mode: string;
  readonly size: number;
  readonly digest: string;
}

function* listedFiles(said: Buffer): Generator<ListedFile, void, void> {
  // Names are bytes, and only sha256sum's own escapes keep them in one line.
  const lines = said.toString('latin1').split('\n');
  if (lines.pop() !== '') throw new ListingError();
  for (let at = 0; at < lines.length;) {
    const count = Number(lines[at]);
    if (!Number.isSafeInteger(count) || count < 1) throw new ListingError();
    for (let n = 1; n <= count; n += 1) {
      const facts = /^([0-7]{1,4}) ([0-9]+)$/.exec(lines[at + n] ?? '');
      const sum = /^(\\?)([0-9a-f]{64}) [ *]\.\/(.+)$/.exec(lines[at + count + n] ?? '');
      if (facts === null || sum === null) throw new ListingError();
      const [, mode = '', size] = facts;
      const [, escape, digest = '', name = ''] = sum;
      yield { path: textOf(escape ? unescaped(name) : name), mode, size: Number(size), digest };
    }
    at += 2 * count + 1;
  }
}

function listedOthers(said: Buffer): readonly string[] {
  const words = said.toString('latin1').split('\0');
  if (words.pop() !== '' || words.length % 3 !== 0) throw new ListingError();
  return Array.from({ length: words.length / 3 }, (_, n) => {
    const [kind = '', name = '', end = ''] = words.slice(3 * n, 3 * n + 3);
    const leadsTo = Buffer.from(end, 'latin1').toString('hex');
    return `${kind}\0${textOf(name.replace(/^\.\//, ''))}\0${leadsTo}\n`;
  });
}

function unescaped(name: string): string {
  return name.replace(/\\([\\nr])/g, (_, code: string) =>
    code === 'n' ? '\n' : code === 'r' ? '\r' : '\\',
  );
}

function textOf(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}
