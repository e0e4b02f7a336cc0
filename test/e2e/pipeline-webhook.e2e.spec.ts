import { createHmac, randomUUID } from 'node:crypto';
import { eventually } from '../support/eventually.js';
import { MillraceServer } from '../support/millrace-server.js';

const YAML = `name: called
triggers: [webhook]
steps:
  - name: look
    run: printf '%s' "$CI_EVENT by $CI_ACTOR:" && printf '<%s>' "\${{ trigger.payload }}"
`;

interface Delivery {
  readonly kind: string;
  readonly status: string;
  readonly pipeline_id: string | null;
  readonly repository_id: string | null;
  readonly reason: { readonly code: string } | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly decisions: readonly {
    readonly starts: boolean;
    readonly reason: { readonly code: string };
    readonly rules: readonly object[];
    readonly execution_id: string | null;
  }[];
}

describe('the webhook of a pipeline', () => {
  let server: MillraceServer;
  let pipeline: string;
  let secret: string;

  beforeAll(async () => {
    server = await MillraceServer.start({ environment: { PUBLIC_URL: 'https://ci.example.org' } });
    pipeline = await server.createPipeline(YAML);
  });
  afterAll(() => server.stop());

  const path = (id = pipeline): string => `/api/ci/pipelines/${id}/webhook`;
  const makeSecret = (id = pipeline): Promise<{ url: string; secret: string }> =>
    server.call('POST', `${path(id)}-secret`);
  const call = (
    body: string | Buffer,
    headers: Record<string, string>,
    id = pipeline,
  ): Promise<Response> =>
    fetch(`${server.baseUrl}${path(id)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: new Uint8Array(Buffer.from(body)),
    });
  const signed = (body: string | Buffer, by = secret): Record<string, string> => ({
    'x-millrace-signature': `sha256=${createHmac('sha256', by).update(body).digest('hex')}`,
  });
  const bearer = (text = secret): Record<string, string> => ({ authorization: `Bearer ${text}` });
  const accepted = async (response: Response): Promise<string> => {
    expect(response.status).toBe(202);
    return ((await response.json()) as { delivery_id: string }).delivery_id;
  };
  const delivery = (id: string): Promise<Delivery> =>
    eventually(async () => {
      const one = await server.call<Delivery>('GET', `/api/ci/deliveries/${id}`);
      return ['done', 'ignored'].includes(one.status) ? one : undefined;
    }, 30_000);
  const logOf = async ({ decisions }: Delivery): Promise<string> => {
    const id = decisions[0]?.execution_id ?? '';
    expect((await server.finished(id)).status).toBe('success');
    return server.logText(id);
  };

  it('is for nobody before it has a secret, which is told once with the URL', async () => {
    expect((await call('{}', bearer(randomUUID()))).status).toBe(401);
    const made = await makeSecret();
    expect(made.url).toBe(`https://ci.example.org${path()}`);
    ({ secret } = made);
    expect(secret.length).toBeGreaterThan(40);
  });

  it('starts the pipeline with its body as a text, and says why', async () => {
    const body = '{"image": "shop:1.4", "x": "$(id) `id` \'; id"}';
    const one = await delivery(
      await accepted(await call(body, { ...signed(body), 'x-millrace-delivery': 'one' })),
    );
    expect(one).toMatchObject({
      kind: 'pipeline',
      status: 'done',
      pipeline_id: pipeline,
      repository_id: null,
      headers: { 'x-millrace-delivery': 'one' },
      decisions: [
        { starts: true, reason: { code: 'trigger_accepted' }, rules: [{ matches: true }] },
      ],
    });
    expect(await logOf(one)).toContain(`webhook by webhook:<${body}>`);
    const rerun = await server.call<{ execution_id: string }>(
      'POST',
      `/api/ci/executions/${one.decisions[0]?.execution_id}/rerun`,
      {},
    );
    await server.finished(rerun.execution_id);
    expect(await server.logText(rerun.execution_id)).toContain(`<${body}>`);
  });

  it('is one delivery for one id, and one for each request without', async () => {
    const ids = await Promise.all(
      Array.from({ length: 10 }, async () =>
        accepted(await call('{}', { ...bearer(), 'x-millrace-delivery': 'two' })),
      ),
    );
    expect(new Set(ids).size).toBe(1);
    const others = [await call('{}', bearer()), await call('{}', bearer())];
    for (const other of others) ids.push(await accepted(other));
    expect(new Set(ids).size).toBe(3);
    const runs = new Set<string | null | undefined>();
    for (const id of ids) runs.add((await delivery(id)).decisions[0]?.execution_id);
    expect(runs.size).toBe(3);
  });

  it('takes forms, gives no step what is too long, and needs no body', async () => {
    const form = { ...bearer(), 'content-type': 'application/x-www-form-urlencoded' };
    const of = async (body: string | Buffer, headers: Record<string, string>): Promise<string> =>
      logOf(await delivery(await accepted(await call(body, headers))));
    expect(await of('a=1&b=2', form)).toContain('<a=1&b=2>');
    expect(await of('x'.repeat(33 * 1024), bearer())).toContain('<>');
    expect(await of(Buffer.from([0x61, 0xff]), bearer())).toContain('<>');
    expect(await of('', bearer())).toContain('<>');
    expect((await call('x'.repeat(1024 * 1024 + 1), bearer())).status).toBe(413);
  });

  it('is for nobody who does not know the secret, whatever there is', async () => {
    const body = '{"a": 1}';
    const refused = [
      await call(body, {}),
      await call(body, bearer('wrong')),
      await call(`${body} `, signed(body)),
      await call(body, signed(body, 'wrong')),
      await call(body, bearer(), randomUUID()),
    ];
    const messages = new Set<string>();
    for (const response of refused) {
      expect(response.status).toBe(401);
      messages.add(((await response.json()) as { message: string }).message);
    }
    expect(messages.size).toBe(1);
  });

  it('takes the secret before until the new one was seen', async () => {
    const before = secret;
    ({ secret } = await makeSecret());
    expect(secret).not.toBe(before);
    await accepted(await call('{}', bearer(before)));
    await accepted(await call('{}', bearer()));
    expect((await call('{}', bearer(before))).status).toBe(401);
  });

  it('starts nothing where no rule is for it, and nothing when the pipeline is gone', async () => {
    const other = await server.createPipeline('name: other\nsteps: [true]\n');
    const { secret: its } = await makeSecret(other);
    const one = await delivery(await accepted(await call('{}', bearer(its), other)));
    expect(one.decisions).toMatchObject([{ starts: false, reason: { code: 'trigger_no_rule' } }]);
    const shown = await server.fetch('DELETE', `/api/ci/pipelines/${other}`);
    expect(shown.status).toBe(204);
    expect((await call('{}', bearer(its), other)).status).toBe(401);
  });

  it('is decided once more by a replay, or only shown', async () => {
    const first = await accepted(await call('"again"', bearer()));
    await delivery(first);
    const replay = async (body: object): Promise<Delivery> =>
      delivery(
        await accepted(await server.fetch('POST', `/api/ci/deliveries/${first}/replay`, body)),
      );
    expect((await replay({ dry_run: true })).decisions).toMatchObject([
      { starts: true, execution_id: null },
    ]);
    expect(await logOf(await replay({}))).toContain('<"again">');
  });
});
