import { Injectable } from '@nestjs/common';
import type { PortOwner } from './port-lease.js';

/** `not_mine`: somebody else is to be asked. */
export type OwnerAnswer = 'exists' | 'gone' | 'not_mine';

/**
 * Whether an owner is there still. Rejects when that cannot be told now. Nobody calls an owner gone
 * who may be only on its way: it is recorded before its ports are taken.
 */
export type OwnerExists = (owner: PortOwner) => Promise<OwnerAnswer>;

/**
 * Who may own ports. What owns them stands above the ports, so it says in `onModuleInit`, in every
 * role, how one asks whether an owner is there still.
 */
@Injectable()
export class PortOwners {
  private readonly byName = new Map<string, OwnerExists>();

  register(name: string, exists: OwnerExists): void {
    if (this.byName.has(name)) throw new Error(`two owners of ports are named ${name}`);
    this.byName.set(name, exists);
  }

  /**
   * `gone`: somebody says so, and nobody else knows the owner; `unknown`: it is nobody's who can be
   * asked. Rejects when one of those who are asked does.
   */
  async ask(owner: PortOwner): Promise<'exists' | 'gone' | 'unknown'> {
    const answers = await Promise.all([...this.byName.values()].map((exists) => exists(owner)));
    if (answers.includes('exists')) return 'exists';
    return answers.includes('gone') ? 'gone' : 'unknown';
  }
}
