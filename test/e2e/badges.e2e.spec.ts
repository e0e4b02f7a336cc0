import { randomUUID } from 'node:crypto';
import { MillraceServer } from '../support/millrace-server.js';

const yaml = `name: badge
stages:
  - name: main
    steps:
      - name: only
        run: test "$FAIL" != yes
`;

describe('status badges', () => {
  let server: MillraceServer;
  let pipeline: string;
  const badge = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${server.baseUrl}/api/badges/${path}`, { headers });
  const text = async (path: string) => (await badge(path)).text();
  const run = async (FAIL: string, branch: string) =>
    server.finished(await server.trigger(pipeline, { environment: { FAIL }, branch }));

  beforeAll(async () => {
    server = await MillraceServer.start({ environment: { PUBLIC_BADGES: 'true' } });
    pipeline = await server.createPipeline(yaml);
  });

  afterAll(() => server.stop());

  it('show how the newest finished execution ended, of all branches or of one', async () => {
    expect(await text(`${pipeline}.svg`)).toContain('>no runs<');
    await run('no', 'main');
    await run('yes', 'feature/<b>');
    expect(await text(`${pipeline}.svg`)).toContain('>failed<');
    expect(await text(`${pipeline}.svg?branch=main&label=a%26b`)).toMatch(/>a&amp;b<.*>passing</);
    expect(await text(`${pipeline}.svg?branch=none`)).toContain('>no runs<');
  });

  it('are made for pages of others: revalidated, with a tag, without anything active', async () => {
    const first = await badge(`${pipeline}.svg`);
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toBe('image/svg+xml; charset=utf-8');
    expect(first.headers.get('cache-control')).toBe('no-cache');
    expect(first.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    expect(first.headers.get('content-security-policy')).toContain("default-src 'none'");
    const etag = first.headers.get('etag') ?? '';
    const again = await badge(`${pipeline}.svg`, { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    const other = await badge(`${pipeline}.svg?label=x`, { 'if-none-match': etag });
    expect(other.status).toBe(200);
  });

  it('tell no pipeline that is not there from one that cannot be', async () => {
    const unknown = await text(`${randomUUID()}.svg`);
    expect(unknown).toContain('>unknown<');
    expect(await text('no-id.svg')).toBe(unknown);
    expect((await badge(`${pipeline}.svg?label=${'x'.repeat(51)}`)).status).toBe(400);
    expect((await badge(`${pipeline}.png`)).status).toBe(404);
  });

  it('open nothing else, and need a token where the operator did not open them', async () => {
    expect((await fetch(`${server.baseUrl}/api/ci/executions`)).status).toBe(401);
    const open = server.api;
    await server.startApi({ PUBLIC_BADGES: 'false' });
    expect((await badge(`${pipeline}.svg`)).status).toBe(401);
    expect((await server.fetch('GET', `/api/badges/${pipeline}.svg`)).status).toBe(200);
    await open?.end();
  });
});
