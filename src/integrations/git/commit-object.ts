import { TextDecoder } from 'node:util';
import type { ClonedCommit } from './git-client.js';

/**
 * Reads message and author from a raw commit object (headers, empty line, message); line breaks at
 * the end of the message are left out. Honours the `encoding` header; an encoding that is not known
 * is read as UTF-8. A commit without an author line (no git makes one) has the author ''.
 */
export function parseCommitObject(content: Buffer): Pick<ClonedCommit, 'message' | 'author'> {
  const split = content.indexOf('\n\n');
  const headerEnd = split === -1 ? content.length : split;
  const headers = content.subarray(0, headerEnd);
  const decoder = decoderFor(headerValue(headers.toString('latin1'), 'encoding'));
  const author = headerValue(decoder.decode(headers), 'author') ?? '';
  return {
    message: split === -1 ? '' : decoder.decode(content.subarray(split + 2)).replace(/\n+$/, ''),
    // `Name <email> seconds zone`
    author: author.replace(/ -?\d+ [+-]\d+$/, ''),
  };
}

function headerValue(headers: string, name: string): string | undefined {
  const line = headers.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line?.slice(name.length + 1);
}

function decoderFor(encoding: string | undefined): TextDecoder {
  try {
    return new TextDecoder(encoding ?? 'utf-8');
  } catch {
    return new TextDecoder('utf-8');
  }
}
