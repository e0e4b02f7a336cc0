import type { Response } from 'express';
import { standIn } from '../../../test/support/stand-in.js';
import type { MillraceRequest } from '../../common/http/request-context.js';
import { type AskedRange, describeArtifact, askedRange } from './artifact-download.js';
import { artifact } from './artifact.fixture.js';

type Ranges = ReturnType<MillraceRequest['range']>;

const DIGEST = 'ab'.repeat(32);

function asked(ranges: Ranges, ifRange?: string): AskedRange {
  const headers = ifRange === undefined ? {} : { 'if-range': ifRange };
  return askedRange({ range: () => ranges, headers }, { size: 10, digest: DIGEST });
}
const bytes = (...ranges: { start: number; end: number }[]) =>
  Object.assign(ranges, { type: 'bytes' });

describe('askedRange', () => {
  it.each([
    [undefined, { kind: 'whole', range: { offset: 0, length: 10 } }],
    [-2, { kind: 'whole', range: { offset: 0, length: 10 } }],
    [-1, { kind: 'unsatisfiable' }],
    [bytes({ start: 2, end: 4 }), { kind: 'part', range: { offset: 2, length: 3 } }],
    [bytes({ start: 9, end: 9 }), { kind: 'part', range: { offset: 9, length: 1 } }],
    [
      bytes({ start: 0, end: 1 }, { start: 4, end: 5 }),
      { kind: 'whole', range: { offset: 0, length: 10 } },
    ],
    [
      Object.assign([{ start: 0, end: 1 }], { type: 'items' }),
      { kind: 'whole', range: { offset: 0, length: 10 } },
    ],
  ])('%j: %j', (ranges, range) => expect(asked(ranges as Ranges)).toEqual(range));

  it('is the whole file for a client that has begun with another one', () => {
    const part = bytes({ start: 2, end: 4 });
    expect(asked(part, `"${DIGEST}"`).kind).toBe('part');
    for (const other of ['"of another"', `W/"${DIGEST}"`, 'Sat, 03 Jan 2026 00:00:00 GMT']) {
      expect(asked(part, other).kind).toBe('whole');
      expect(asked(-1, other).kind).toBe('whole');
    }
  });
});

describe('describeArtifact', () => {
  function headersOf(range: AskedRange): Map<string, unknown> {
    const headers = new Map<string, unknown>();
    const response: Response = standIn<Response>({
      attachment: (name?: string) => {
        headers.set('attachment', name);
        return response;
      },
      setHeader: (name: string, value: unknown) => {
        headers.set(name, value);
        return response;
      },
      status: (code: number) => {
        headers.set('status', code);
        return response;
      },
    });
    const file = artifact({ path: 'dist/page.html', size: 10, digest: '00'.repeat(32) });
    describeArtifact(response, file, range);
    return headers;
  }

  it('sends a file that is saved and never shown, with its digest', () => {
    const headers = headersOf({ kind: 'whole', range: { offset: 0, length: 10 } });
    expect(Object.fromEntries(headers)).toEqual({
      attachment: 'page.html',
      'Content-Type': 'application/octet-stream',
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "sandbox; default-src 'none'",
      'Cache-Control': 'private, no-transform',
      ETag: `"${'00'.repeat(32)}"`,
      'Repr-Digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:`,
      'Accept-Ranges': 'bytes',
      'Content-Length': 10,
    });
  });

  it('says which part it is, and that there is none', () => {
    const part = headersOf({ kind: 'part', range: { offset: 2, length: 3 } });
    expect([part.get('status'), part.get('Content-Range')]).toEqual([206, 'bytes 2-4/10']);
    const none = headersOf({ kind: 'unsatisfiable' });
    expect([none.get('status'), none.get('Content-Range')]).toEqual([416, 'bytes */10']);
    expect(none.has('Content-Length')).toBe(false);
  });
});
