import { isUuid } from '../../common/ids/uuid.js';
import type { ApiClient } from '../api/api-client.js';
import { deliverySummary, type DeliverySummary, page } from '../api/wire-readers.js';
import { repositoryOf } from './delivery-view.js';
import { onlyMatch, type RecentKind } from './recent-reference.js';

const PAGE = 200;
const DELIVERY: RecentKind<DeliverySummary> = {
  singular: 'delivery',
  plural: 'deliveries',
  listedBy: 'See what came in: ./millrace deliveries',
  line: (each) => `${each.id}  ${each.event}  ${each.status}  ${repositoryOf(each)}`.trimEnd(),
};

/**
 * The id of the delivery that somebody names by its id, by the beginning of one id only (among the
 * newest 200), or by `last` or `@` for the newest. @throws CommandError
 */
export async function findDelivery(api: ApiClient, reference: string): Promise<string> {
  if (isUuid(reference)) return reference.toLowerCase();
  const { items } = await api.get(`/api/ci/deliveries?limit=${PAGE}`, page(deliverySummary, PAGE));
  const matches =
    reference === 'last' || reference === '@'
      ? items.slice(0, 1)
      : items.filter(({ id }) => id.startsWith(reference.toLowerCase()));
  return onlyMatch(DELIVERY, reference, matches).id;
}
