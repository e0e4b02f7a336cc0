import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Errors, type HttpClient } from 'isomorphic-git';
import { GitError } from './git-client.js';
import { unreachable } from './git-failures.js';
import { FLUSH, packet, PacketError, PacketReader } from './pkt-line.js';

/** What is asked of `git-upload-pack` (gitprotocol-pack, version 0, stateless as over HTTP). */
export interface PackRequest {
  readonly wants: readonly string[];
  readonly haves: readonly string[];
  /** Commits whose parents we do not have. */
  readonly shallow: readonly string[];
  /** 0 = all. */
  readonly depth: number;
  /**
   * Deltas may be made from objects that we have and the pack has not: such a pack is to be
   * completed.
   */
  readonly thin: boolean;
}

export type PackAnswer =
  | {
      readonly kind: 'pack';
      /** Path of the pack, not indexed yet. Absent: there was nothing to send. */
      readonly path?: string;
      readonly shallow: readonly string[];
      readonly unshallow: readonly string[];
    }
  /** The remote does not give one of the wants. */
  | { readonly kind: 'refused' };

export interface PackTransport {
  readonly http: HttpClient;
  readonly url: string;
  /** `Authorization` and such. */
  readonly headers: Readonly<Record<string, string>>;
  /** Text of the remote, in pieces. */
  readonly onMessage: (text: string) => void;
  readonly onBytes: (received: number) => void;
}

const SIDEBAND_PACK = 1;
const SIDEBAND_TEXT = 2;
/** A pack without objects: header and checksum. */
const EMPTY_PACK = 32;

/**
 * Asks for a pack and writes it to `packs` as it comes; unlike the fetch of isomorphic-git it holds
 * none of it in memory, asks for more than one commit, and takes no decision of its own.
 * @throws GitError; HttpError of isomorphic-git for a bad status
 */
export async function fetchPack(
  transport: PackTransport,
  request: PackRequest,
  packs: string,
): Promise<PackAnswer> {
  const response = await transport.http.request({
    url: `${transport.url}/git-upload-pack`,
    method: 'POST',
    headers: {
      ...transport.headers,
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
    },
    body: once(Buffer.from(requestText(request))),
  });
  if (response.statusCode !== 200) {
    throw new Errors.HttpError(response.statusCode, response.statusMessage, '');
  }
  try {
    return await readAnswer(new PacketReader(response.body ?? none()), request, transport, packs);
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    throw unreachable(error.message, error.reason === 'cut');
  }
}

function requestText({ wants, haves, shallow, depth, thin }: PackRequest): string {
  const [first = '', ...others] = [...new Set(wants)];
  const lines = [
    `want ${first} side-band-64k ofs-delta${thin ? ' thin-pack' : ''} agent=git/isomorphic-git\n`,
    ...others.map((sha) => `want ${sha}\n`),
    ...shallow.map((sha) => `shallow ${sha}\n`),
    ...(depth === 0 ? [] : [`deepen ${depth}\n`]),
  ];
  const offers = [...new Set(haves)].map((sha) => packet(`have ${sha}\n`));
  return [...lines.map(packet), FLUSH, ...offers, packet('done\n')].join('');
}

async function readAnswer(
  reader: PacketReader,
  request: PackRequest,
  transport: PackTransport,
  packs: string,
): Promise<PackAnswer> {
  const shallow: string[] = [];
  const unshallow: string[] = [];
  for (;;) {
    const found = await reader.next();
    // A server that is killed by a want it does not give answers with nothing.
    if (found === undefined) return { kind: 'refused' };
    if (found === 'flush') continue;
    const line = found.toString('utf8').trimEnd();
    if (line.startsWith('ERR ')) return refusal(line.slice(4));
    const [word = '', sha = ''] = line.split(' ');
    if (word === 'shallow') shallow.push(checkedSha(sha));
    else if (word === 'unshallow') unshallow.push(checkedSha(sha));
    else if (word === 'NAK' || word === 'ACK') break;
    else throw new PacketError('broken');
  }
  const path = await savePack(reader, transport, packs);
  return { kind: 'pack', path, shallow, unshallow };
}

function refusal(text: string): PackAnswer {
  if (/not our ref|unadvertised|no such|not found/i.test(text)) return { kind: 'refused' };
  throw new GitError('failed', `The remote refused to send: ${text}`, false);
}

/** Only a pack that came whole gets its name. */
async function savePack(
  reader: PacketReader,
  transport: PackTransport,
  packs: string,
): Promise<string | undefined> {
  await mkdir(packs, { recursive: true });
  const temporary = join(packs, `tmp_pack_${randomUUID()}`);
  const file = await open(temporary, 'wx', 0o600);
  let received = 0;
  let tail = Buffer.alloc(0);
  try {
    for (let found = await reader.next(); ; found = await reader.next()) {
      if (found === undefined) throw new PacketError('cut');
      if (found === 'flush') break;
      const content = found.subarray(1);
      if (found[0] === SIDEBAND_TEXT) transport.onMessage(content.toString('utf8'));
      else if (found[0] === SIDEBAND_PACK) {
        await writeAll(file, content);
        received += content.length;
        tail = Buffer.concat([tail, content]).subarray(-20);
        transport.onBytes(received);
      } else throw brokenOff(content.toString('utf8'));
    }
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
  await file.close();
  if (received <= EMPTY_PACK) {
    await rm(temporary);
    return undefined;
  }
  const path = join(packs, `pack-${tail.toString('hex')}.pack`);
  await chmod(temporary, 0o444);
  await rename(temporary, path);
  return path;
}

async function writeAll(
  file: Awaited<ReturnType<typeof open>>,
  content: Uint8Array,
): Promise<void> {
  for (let written = 0; written < content.length;) {
    written += (await file.write(content, written)).bytesWritten;
  }
}

function brokenOff(reason: string): GitError {
  return unreachable(`it stopped sending: ${reason.trim()}`, true);
}

function checkedSha(text: string): string {
  if (!/^[0-9a-f]{40}$/.test(text)) throw new PacketError('broken');
  return text;
}

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

async function* none(): AsyncGenerator<Uint8Array> {
  // An answer without a body.
}
