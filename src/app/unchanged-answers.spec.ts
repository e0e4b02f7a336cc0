import type { Response } from 'express';
import { standIn } from '../../test/support/stand-in.js';
import { principalOf } from '../auth/principals/principal.js';
import type { UserDocument } from '../auth/users/user.schema.js';
import { UsersController } from '../auth/users/users.controller.js';
import type { UsersService } from '../auth/users/users.service.js';
import { isUnchanged, type Changed } from '../common/audit/changed.js';
import type { MillraceConfig } from '../config/millrace-config.js';
import { RepositoriesController } from '../repositories/repositories.controller.js';
import type { RepositoriesService } from '../repositories/repositories.service.js';
import type { RepositoryDocument } from '../repositories/repository.schema.js';
import { DeliveriesController } from '../triggers/deliveries/deliveries.controller.js';
import type { DeliveriesRepository } from '../triggers/deliveries/deliveries.repository.js';
import type { SameCommitExecutions } from '../triggers/deliveries/same-commit.js';
import type { DeliveryApprovals } from '../triggers/deliveries/delivery-approvals.js';
import type { DeliveryInbox } from '../triggers/deliveries/delivery-inbox.js';

const NOW = new Date();
const by = principalOf({ id: 'ada', kind: 'user', role: 'admin' });
const user = { _id: 'u', created_at: NOW, updated_at: NOW, checked_at: NOW, blocked_at: null };
const repository = { _id: 'r', web_url: '', webhook: {}, problem: null, created_at: NOW };

type Ask = (isChanged: boolean, response: Response) => Promise<unknown>;

const changed = <T>(value: unknown, isChanged: boolean): Promise<Changed<T>> =>
  Promise.resolve({ value: value as T, isChanged });

const routes: readonly [string, Ask][] = [
  [
    'PATCH of a user',
    (isChanged, response) =>
      new UsersController(
        standIn<UsersService>({ change: () => changed<UserDocument>(user, isChanged) }),
        standIn<MillraceConfig>({ defaultRole: 'viewer' }),
      ).change('u', { role: 'viewer' }, by, response),
  ],
  [
    'PATCH of a repository',
    (isChanged, response) =>
      new RepositoriesController(
        standIn<RepositoriesService>({
          changeSettings: () => changed<RepositoryDocument>(repository, isChanged),
        }),
      ).change('r', { forks: 'run' }, response),
  ],
  [
    'an approval',
    (isChanged, response) =>
      new DeliveriesController(
        standIn<DeliveriesRepository>({}),
        standIn<DeliveryInbox>({}),
        standIn<DeliveryApprovals>({ approve: () => changed<string>('e', isChanged) }),
        standIn<SameCommitExecutions>({}),
      ).approve('d', { pipeline_id: 'p', commit: 'c' }, by, response),
  ],
];

/** PUT and PATCH of a pipeline: audit.medium.spec.ts. */
it.each(routes)('the audit hears that nothing was changed: %s', async (_name, ask) => {
  const [without, withChange] = [{} as Response, {} as Response];
  await ask(false, without);
  await ask(true, withChange);
  expect([isUnchanged(without), isUnchanged(withChange)]).toEqual([true, false]);
});
