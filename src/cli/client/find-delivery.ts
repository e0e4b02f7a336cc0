import type { ApiClient } from '../api/api-client.js';
import { deliverySummary, type DeliverySummary, page } from '../api/wire-readers.js';
import { repositoryOf } from './delivery-view.js';
import { findListed, type ListedKind } from './find-listed.js';
import { onlyMatch } from './recent-reference.js';

const DELIVERY: ListedKind<DeliverySummary> = {
  path: '/api/ci/deliveries',
  reader: deliverySummary,
  idOf: ({ id }) => id,
  singular: 'delivery',
  plural: 'deliveries',
  listedBy: 'See what came in: ./millrace deliveries',
  line: (each) => `${each.id}  ${each.event}  ${each.status}  ${repositoryOf(each)}`.trimEnd(),
};

/**
 * The id of the delivery that somebody names by its id, by the beginning of one id only (among the
 * newest 1,000), or by `last` or `@` for the newest. @throws CommandError
 */
export async function findDelivery(api: ApiClient, reference: string): Promise<string> {
  if (reference !== 'last' && reference !== '@') return findListed(api, DELIVERY, reference);
  const { items } = await api.get(`${DELIVERY.path}?limit=1`, page(deliverySummary, 1));
  return onlyMatch(DELIVERY, reference, items).id;
}
