import { Logger } from '@nestjs/common';
import { createHmac } from 'node:crypto';
import { standIn } from '../../../test/support/stand-in.js';
import type { ForgeKind } from '../../integrations/forge/forge-event.js';
import type { RepositoriesService } from '../../repositories/repositories.service.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';
import type { PipelineWebhooks } from '../pipeline-webhooks/pipeline-webhooks.service.js';
import type { DeliveriesRepository } from './deliveries.repository.js';
import { DeliveryInbox } from './delivery-inbox.js';
import type { DeliveryJobs } from './delivery-jobs.js';
import type { DeliveryDocument } from './delivery.schema.js';
import { deliverySummary } from './dto/delivery.response.js';

Logger.overrideLogger(false);

describe('DeliveryInbox, of a sender that nobody has verified', () => {
  let asked: (readonly [ForgeKind, string])[];
  let inbox: DeliveryInbox;
  beforeEach(() => {
    asked = [];
    inbox = new DeliveryInbox(
      standIn<RepositoriesService>({
        withRemoteId: async (forge, remoteId) => {
          asked.push([forge, remoteId]);
          return [];
        },
      }),
      standIn<DeliveriesRepository>({}),
      standIn<DeliveryJobs>({}),
      standIn<PipelineWebhooks>({}),
    );
  });

  it.each<[ForgeKind, object, string]>([
    ['github', { ref: 'refs/heads/main', repository: { id: 7, owner: { id: 1 } } }, '7'],
    ['gitea', { commits: [{ repository: { id: 1 } }], repository: { id: 8 } }, '8'],
    ['gitlab', { project_id: 9, project: { id: 10 } }, '10'],
    ['gitlab', { object_kind: 'push', project_id: 9, commits: [] }, '9'],
  ])('%s: knows the repository that the body names', async (forge, body, id) => {
    const bytes = Buffer.from(JSON.stringify(body));
    await expect(inbox.receiveFromForge(forge, {}, bytes)).rejects.toMatchObject({
      kind: 'AuthenticationError',
    });
    const form = Buffer.from(`payload=${encodeURIComponent(bytes.toString())}&more=1`);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await expect(inbox.receiveFromForge(forge, headers, form)).rejects.toMatchObject({
      kind: 'AuthenticationError',
    });
    expect(asked).toEqual([
      [forge, id],
      [forge, id],
    ]);
  });

  it.each(['a&', 'payload=&', '%5B'])('is not held by a form of %s', async (piece) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const bytes = Buffer.concat([Buffer.from('payload='), Buffer.alloc(20_000_000, piece)]);
    // Read as a whole it would take a minute, and the test has 5 s.
    await expect(inbox.receiveFromForge('github', headers, bytes)).rejects.toMatchObject({
      kind: 'AuthenticationError',
    });
  });

  it.each<ForgeKind>(['github', 'gitea', 'gitlab'])(
    '%s: is not held by a body of brackets',
    async (forge) => {
      const bytes = Buffer.concat([Buffer.from('{"project":'), Buffer.alloc(20_000_000, '[')]);
      const parse = jest.spyOn(JSON, 'parse');
      await expect(inbox.receiveFromForge(forge, {}, bytes)).rejects.toMatchObject({
        kind: 'AuthenticationError',
      });
      const parsed = parse.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
      parse.mockRestore();
      expect(parsed).toBeLessThan(1024);
      expect(asked).toEqual([]);
    },
  );
});

describe('DeliveryInbox, of a connected repository', () => {
  const repository = {
    _id: 'r',
    full_name: 'acme/shop',
    forge: 'github',
  } as unknown as RepositoryDocument;
  let stored: DeliveryDocument[];
  let inbox: DeliveryInbox;
  beforeEach(() => {
    stored = [];
    inbox = new DeliveryInbox(
      standIn<RepositoriesService>({
        find: async () => repository,
        secretsOf: () => ['s'],
        reached: async () => undefined,
      }),
      standIn<DeliveriesRepository>({
        find: async (id) => stored.find(({ _id }) => _id === id),
        claim: async (_key, id) => id,
        insert: async (delivery) => void stored.push(delivery),
        body: async () => Buffer.from(''),
      }),
      standIn<DeliveryJobs>({ offer: async () => undefined }),
      standIn<PipelineWebhooks>({}),
    );
  });

  it('keeps how it was called: of a webhook, of a missed push, and of a replay', async () => {
    const body = Buffer.from('{}');
    const signature = createHmac('sha256', 's').update(body).digest('hex');
    const headers = { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${signature}` };
    await inbox.receiveFor('r', headers, body);
    await inbox.receiveMissed(repository, { branch: 'main', before: null, commit: 'c' }, null);
    await inbox.replay(stored[0]?._id ?? '', false);
    expect(stored.map(deliverySummary)).toMatchObject([
      { kind: 'forge', repository_name: 'acme/shop' },
      { kind: 'missed_push', repository_name: 'acme/shop' },
      { kind: 'forge', repository_name: 'acme/shop', replay_of: stored[0]?._id },
    ]);
  });

  it('of an older release has no name', () => {
    const older = { _id: 'd', repository_id: 'r' } as DeliveryDocument;
    expect(deliverySummary(older).repository_name).toBeNull();
  });
});
