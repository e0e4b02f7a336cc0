import { Injectable } from '@nestjs/common';
import { notFound } from '../../common/errors/millrace.error.js';
import type { SecretOwner } from './secret-owner.js';

type OwnerKind = Exclude<SecretOwner['scope'], 'global'>;
type Exists = (id: string) => Promise<boolean>;

/**
 * Who may own secrets. Pipelines and repositories stand above the store, so they say in
 * `onModuleInit` how one asks whether one of them is there.
 */
@Injectable()
export class SecretOwners {
  private readonly byKind = new Map<OwnerKind, Exists>();

  register(kind: OwnerKind, exists: Exists): void {
    if (this.byKind.has(kind)) throw new Error(`two owners of secrets are named ${kind}`);
    this.byKind.set(kind, exists);
  }

  /** @throws NotFoundError */
  async mustExist(owner: SecretOwner): Promise<void> {
    if (owner.scope === 'global') return;
    const exists = this.byKind.get(owner.scope);
    if (!exists) throw new Error(`nobody has registered ${owner.scope} as an owner of secrets`);
    if (!(await exists(owner.id))) throw notFound(owner.scope, owner.id);
  }
}
