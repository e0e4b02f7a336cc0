import { Logger } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { standIn } from '../../../test/support/stand-in.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { PipelineWebhooks } from '../pipeline-webhooks/pipeline-webhooks.service.js';
import type { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveryInbox } from './delivery-inbox.js';
import type { DeliveryJobs } from './delivery-jobs.js';
import type { DeliveryDocument } from './delivery.schema.js';

const REPOSITORY = 'r1';
const PIPELINE = 'p1';
const SECRET = 'a-secret-of-a-repository';
const BODY = Buffer.from('{"repository": {"id": 7}, "after": "a"}');
const OTHER_BODY = Buffer.from('{"repository": {"id": 7}, "after": "b"}');
const FORM_TYPE = 'application/x-www-form-urlencoded';

const signed = (body: Buffer, secret = SECRET): Record<string, string> => ({
  'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
});

describe('DeliveryInbox', () => {
  let secrets: readonly string[];
  let knowsSecret: boolean;
  let stored: Map<string, { readonly delivery: DeliveryDocument; readonly body: Buffer }>;
  let offered: string[];
  let insert: DeliveriesRepository['insert'];
  let inbox: DeliveryInbox;

  beforeAll(() => {
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    secrets = [SECRET];
    knowsSecret = true;
    stored = new Map();
    offered = [];
    insert = async (delivery, body) => void stored.set(delivery._id, { delivery, body });
    const keys = new Map<string, string>();
    const repository = { _id: REPOSITORY, forge: 'github' } as RepositoryDocument;
    inbox = new DeliveryInbox(
      standIn<RepositoriesService>({
        find: async (id) => (id === REPOSITORY ? repository : undefined),
        withRemoteId: async (_forge, id) => (id === '7' ? [repository] : []),
        secretsOf: () => secrets,
        reached: async () => undefined,
      }),
      standIn<DeliveriesRepository>({
        claim: async (key, id) => {
          if (!keys.has(key)) keys.set(key, id);
          return keys.get(key) ?? id;
        },
        find: async (id) => stored.get(id)?.delivery,
        insert: (delivery, body) => insert(delivery, body),
      }),
      standIn<DeliveryJobs>({ offer: async (id) => void offered.push(id) }),
      standIn<PipelineWebhooks>({ knows: async () => knowsSecret }),
    );
  });

  const receive = (id: string, headers = signed(BODY), body = BODY): Promise<string> =>
    inbox.receiveFor(REPOSITORY, { ...headers, ...(id && { 'x-github-delivery': id }) }, body);
  const statuses = (): string[] => [...stored.values()].map(({ delivery }) => delivery.status);
  const errorOf = async (received: Promise<string>): Promise<unknown> => {
    const error: unknown = await received.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    const { kind, message, suggestions } = error as Record<string, unknown>;
    return { kind, message, suggestions };
  };

  it('stores what is signed over the bytes of its body, and has it decided', async () => {
    const id = await receive('1');
    expect(gunzipSync(stored.get(id)?.body ?? Buffer.alloc(0))).toEqual(BODY);
    expect(offered).toEqual([id]);
  });

  it('holds the signature against the form itself, not against the JSON within', async () => {
    const form = Buffer.from(`payload=${encodeURIComponent(BODY.toString())}`);
    const type = { 'content-type': FORM_TYPE };
    await expect(receive('1', { ...signed(BODY), ...type }, form)).rejects.toMatchObject({
      kind: 'AuthenticationError',
    });
    const id = await receive('2', { ...signed(form), ...type }, form);
    expect(gunzipSync(stored.get(id)?.body ?? Buffer.alloc(0))).toEqual(BODY);
    const found = await inbox.receiveFromForge(
      'github',
      { ...signed(form), ...type, 'x-github-delivery': '2' },
      form,
    );
    expect(found).toBe(id);
  });

  it.each<[string, Record<string, string>, readonly string[]]>([
    ['another body', signed(OTHER_BODY), [SECRET]],
    ['another secret', signed(BODY, 'another'), [SECRET]],
    ['nothing', {}, [SECRET]],
    ['the empty secret', signed(BODY, ''), ['']],
    ['a secret, where none is set', signed(BODY), []],
  ])('stores nothing that is signed by %s; it looks as if it were unknown', async (...row) => {
    const [, headers] = row;
    [, , secrets] = row;
    const unknown = await errorOf(inbox.receiveFor('r2', headers, BODY));
    expect(unknown).toMatchObject({ kind: 'AuthenticationError' });
    expect(await errorOf(receive('1', headers))).toEqual(unknown);
    expect(await errorOf(inbox.receiveFromForge('github', headers, BODY))).toEqual(unknown);
    const elsewhere = Buffer.from('{"repository": {"id": 8}}');
    expect(await errorOf(inbox.receiveFromForge('github', headers, elsewhere))).toEqual(unknown);
    expect([stored.size, offered]).toEqual([0, []]);
  });

  it('has the same id decided once, whatever it holds', async () => {
    const id = await receive('1');
    expect(await receive('1')).toBe(id);
    expect(await receive('1', signed(OTHER_BODY), OTHER_BODY)).toBe(id);
    expect([stored.size, offered]).toEqual([1, [id]]);
  });

  it.each(['2', ''])('has the same content decided once (second id: "%s")', async (second) => {
    const id = await receive('1');
    const again = await receive(second);
    expect(stored.get(again)?.delivery).toMatchObject({ status: 'duplicate', duplicate_of: id });
    expect([statuses(), offered]).toEqual([['received', 'duplicate'], [id]]);
  });

  it('takes content for new whose first delivery was never stored', async () => {
    const store = insert;
    insert = () => Promise.reject(new Error('killed'));
    await expect(receive('1')).rejects.toThrow('killed');
    insert = store;
    const id = await receive('2');
    expect([statuses(), offered]).toEqual([['received'], [id]]);
  });

  it('answers only when the delivery is stored, and offers none before', async () => {
    insert = () => Promise.reject(new Error('the database is away'));
    await expect(receive('1')).rejects.toThrow('the database is away');
    await expect(inbox.receiveForPipeline(PIPELINE, {}, BODY)).rejects.toThrow('is away');
    expect(offered).toEqual([]);
  });

  it('stores nothing for a pipeline from who does not know its secret', async () => {
    knowsSecret = false;
    await expect(inbox.receiveForPipeline(PIPELINE, {}, BODY)).rejects.toMatchObject({
      kind: 'AuthenticationError',
    });
    expect([stored.size, offered]).toEqual([0, []]);
  });

  it('has the same given id of a pipeline decided once, and of another pipeline too', async () => {
    const headers = { 'x-millrace-delivery': 'mine' };
    const id = await inbox.receiveForPipeline(PIPELINE, headers, BODY);
    expect(await inbox.receiveForPipeline(PIPELINE, headers, OTHER_BODY)).toBe(id);
    expect(await inbox.receiveForPipeline('p2', headers, BODY)).not.toBe(id);
    expect(offered).toHaveLength(2);
  });
});
