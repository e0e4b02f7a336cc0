/** Where a secret counts, from the widest to the narrowest. */
export const SECRET_SCOPES = ['global', 'repository', 'pipeline'] as const;

export type SecretScope = (typeof SECRET_SCOPES)[number];

/** Whose a secret is. */
export type SecretOwner =
  { readonly scope: 'global' } | { readonly scope: 'repository' | 'pipeline'; readonly id: string };

export const EVERYBODY: SecretOwner = { scope: 'global' };

/** The name of an owner in keys: `pipeline:<id>`. */
export function ownerKey(owner: SecretOwner): string {
  return owner.scope === 'global' ? owner.scope : `${owner.scope}:${owner.id}`;
}

/** Id of the one secret of this name that the owner has. */
export function secretId(owner: SecretOwner, name: string): string {
  return `${ownerKey(owner)}:${name}`;
}
