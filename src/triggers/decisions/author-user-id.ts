import { userId } from '../../auth/users/user-id.js';
import type { ForgeEvent } from '../../integrations/forge/forge-event.js';
import type { RepositoryDocument } from '../../repositories/repository.schema.js';

type AtForge = Pick<RepositoryDocument, 'forge' | 'web_url'>;

/** Who the author of an event is here, by the account's id at the forge; null = nobody says. */
export function authorUserId(
  { author }: Pick<ForgeEvent, 'author'>,
  repository: AtForge,
): string | null {
  return idHere(author?.id ?? null, repository);
}

/** Who has caused an event, as `authorUserId`. */
export function actorUserId(
  { actor }: Pick<ForgeEvent, 'actor'>,
  repository: AtForge,
): string | null {
  return idHere(actor?.id ?? null, repository);
}

function idHere(id: string | null, { forge, web_url }: AtForge): string | null {
  return id === null ? null : userId(forge, new URL(web_url).host, id);
}
