import { v5 } from 'uuid';

/** Namespace of the ids of users (a random UUID, fixed for ever). */
const ID_NAMESPACE = '0c0f9b0a-0f6e-4f0e-9a8e-6f7d3c1b5a42';

/** Who an account of a forge is here, whether it has ever logged in or not. */
export function userId(forge: string, host: string, remoteId: string): string {
  return v5(`${forge} ${host} ${remoteId}`, ID_NAMESPACE);
}
