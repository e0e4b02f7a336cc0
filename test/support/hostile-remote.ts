import { createHash } from 'node:crypto';
import type http from 'node:http';
import { deflateSync } from 'node:zlib';
import { type GitServerBehaviour } from './git-http-server.js';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** An object of git, with any content: nothing checks it. */
export interface RawObject {
  readonly type: ObjectType;
  readonly content: Buffer;
  readonly sha: string;
}

export interface RawTreeEntry {
  /** Octal, as it shall stand in the tree. */
  readonly mode: string;
  readonly name: string | Buffer;
  readonly sha: string;
}

const TYPE_NUMBERS = { commit: 1, tree: 2, blob: 3, tag: 4 } as const;
const REF_DELTA = 7;

export function rawObject(type: ObjectType, content: Buffer | string): RawObject {
  const bytes = Buffer.from(content);
  const sha = createHash('sha1').update(`${type} ${bytes.length}\0`).update(bytes).digest('hex');
  return { type, content: bytes, sha };
}

export function blob(content: Buffer | string): RawObject {
  return rawObject('blob', content);
}

/** In the order given. */
export function tree(...entries: readonly RawTreeEntry[]): RawObject {
  const parts = entries.flatMap(({ mode, name, sha }) => [
    Buffer.from(`${mode} `),
    Buffer.from(name as string),
    Buffer.from([0]),
    Buffer.from(sha, 'hex'),
  ]);
  return rawObject('tree', Buffer.concat(parts));
}

export function commit(treeSha: string, message = 'hostile', parent?: string): RawObject {
  const person = 'Eve <eve@example.com> 1700000000 +0000';
  return rawObject(
    'commit',
    `tree ${treeSha}\n${parent === undefined ? '' : `parent ${parent}\n`}author ${person}\ncommitter ${person}\n\n${message}\n`,
  );
}

export function pack(objects: readonly RawObject[]): Buffer {
  return packOf(
    objects.map(({ type, content }) =>
      Buffer.concat([entryHead(TYPE_NUMBERS[type], content.length), deflateSync(content)]),
    ),
  );
}

/** A pack of entries that are made already. */
export function packOf(entries: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(12);
  head.write('PACK', 0, 'latin1');
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(entries.length, 8);
  const body = Buffer.concat([head, ...entries]);
  return Buffer.concat([body, createHash('sha1').update(body).digest()]);
}

/** @param size what it says that the content is long */
export function entryHead(type: number, size: number): Buffer {
  const bytes: number[] = [];
  let byte = (type << 4) | (size % 16);
  for (let rest = Math.floor(size / 16); ; rest = Math.floor(rest / 128)) {
    if (rest === 0) return Buffer.from([...bytes, byte]);
    bytes.push(byte | 0x80);
    byte = rest % 128;
  }
}

/**
 * A delta against an object, which says that its result is `size` long and copies the start of it
 * again and again.
 */
export function deltaEntry(base: RawObject, size: number): Buffer {
  const copies: Buffer[] = [];
  const step = Math.min(base.content.length, 0xffff);
  // Copy from offset 0: two bytes of size.
  const copy = Buffer.from([0x80 | 0x30, step & 0xff, step >> 8]);
  for (let done = 0; done < size; done += step) copies.push(copy);
  const delta = Buffer.concat([
    variableLength(base.content.length),
    variableLength(copies.length * step),
    ...copies,
  ]);
  return Buffer.concat([
    entryHead(REF_DELTA, delta.length),
    Buffer.from(base.sha, 'hex'),
    deflateSync(delta),
  ]);
}

function variableLength(size: number): Buffer {
  const bytes: number[] = [];
  let rest = size;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.from([...bytes, rest]);
}

export function pktLine(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, '0')), bytes]);
}

export interface HostileRemote {
  /** Name and SHA, HEAD first. */
  readonly refs: readonly (readonly [name: string | Buffer, sha: string])[];
  readonly pack: Buffer;
  /** Where HEAD leads, by the server's word. Default refs/heads/main. */
  readonly symref?: string;
  /** Sent as progress before the pack. */
  readonly messages?: readonly string[];
}

const CAPABILITIES = 'side-band-64k ofs-delta shallow allow-tip-sha1-in-want agent=hostile/1';

export function refsAnswer(remote: Pick<HostileRemote, 'refs' | 'symref'>): Buffer {
  const capabilities = `${CAPABILITIES} symref=HEAD:${remote.symref ?? 'refs/heads/main'}`;
  const lines = remote.refs.map(([name, sha], index) =>
    pktLine(
      Buffer.concat([
        Buffer.from(`${sha} `),
        Buffer.from(name as string),
        Buffer.from(index === 0 ? `\0${capabilities}\n` : '\n'),
      ]),
    ),
  );
  const flush = Buffer.from('0000');
  return Buffer.concat([pktLine('# service=git-upload-pack\n'), flush, ...lines, flush]);
}

/** A git server, over version 0 of the protocol, that says what it is told to say. */
export function hostileRemote(remote: HostileRemote): GitServerBehaviour {
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): boolean => {
    if (request.method === 'GET') {
      response.setHeader('content-type', 'application/x-git-upload-pack-advertisement');
      response.end(request.url?.includes('/info/refs') ? refsAnswer(remote) : 'no');
      return true;
    }
    void readBody(request).then((body): void => {
      response.setHeader('content-type', 'application/x-git-upload-pack-result');
      // Asked for a depth, git wants to know first where history ends: nowhere here.
      if (body.includes('deepen ')) response.write('0000');
      if (!body.includes('done')) return void response.end();
      response.write(pktLine('NAK\n'));
      for (const message of remote.messages ?? []) response.write(sideBand(2, message));
      for (let at = 0; at < remote.pack.length; at += MAX_BAND) {
        response.write(sideBand(1, remote.pack.subarray(at, at + MAX_BAND)));
      }
      response.end('0000');
    });
    return true;
  };
  return { kind: 'answer', answer };
}

const MAX_BAND = 65_000;

export function sideBand(band: number, content: Buffer | string): Buffer {
  return pktLine(Buffer.concat([Buffer.from([band]), Buffer.from(content)]));
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('latin1');
}

/** Objects and a branch `main` on them, which is HEAD. */
export function remoteOf(root: RawObject, others: readonly RawObject[]): HostileRemote {
  const tip = commit(root.sha);
  return {
    refs: [
      ['HEAD', tip.sha],
      ['refs/heads/main', tip.sha],
    ],
    pack: pack([tip, root, ...others]),
  };
}
