import { userId } from '../../auth/users/user-id.js';
import type { ForgeEvent } from '../../integrations/forge/forge-event.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';

/** Who the author of an event is here, by the account's id at the forge; null = nobody says. */
export function authorUserId(
  { author }: Pick<ForgeEvent, 'author'>,
  { forge, web_url }: Pick<RepositoryDocument, 'forge' | 'web_url'>,
): string | null {
  const id = author?.id ?? null;
  return id === null ? null : userId(forge, new URL(web_url).host, id);
}
