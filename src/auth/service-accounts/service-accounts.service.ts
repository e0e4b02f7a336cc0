import { Injectable } from '@nestjs/common';
import { conflict, notFound, type MillraceError } from '../../common/errors/millrace.error.js';
import type { Page, PageRequest } from '../../common/http/paging.js';
import { uuidV7 } from '../../common/ids/uuid.js';
import { AuthEvents } from '../principals/auth-events.js';
import type { ServiceAccountDocument } from './service-account.schema.js';
import { ServiceAccountsRepository } from './service-accounts.repository.js';

/** Accounts of programs. The tokens of one that was removed are good for nothing. */
@Injectable()
export class ServiceAccountsService {
  constructor(
    private readonly accounts: ServiceAccountsRepository,
    private readonly events: AuthEvents,
  ) {}

  /** @throws ConflictError when the name is taken */
  async create(name: string, description: string, by: string): Promise<ServiceAccountDocument> {
    const account = {
      _id: uuidV7(),
      name,
      description,
      created_at: new Date(),
      created_by: by,
    };
    if (!(await this.accounts.insert(account))) {
      throw nameTaken(name);
    }
    this.events.record({ kind: 'service_account_made', accountId: account._id, by });
    return account;
  }

  /** @throws NotFoundError */
  async get(id: string): Promise<ServiceAccountDocument> {
    const account = await this.accounts.find(id);
    if (account === undefined) throw notFound('service account', id);
    return account;
  }

  async list(page: PageRequest): Promise<Page<ServiceAccountDocument>> {
    return this.accounts.list(page);
  }

  /** @throws NotFoundError */
  async remove(id: string, by: string): Promise<void> {
    if (!(await this.accounts.remove(id))) throw notFound('service account', id);
    this.events.record({ kind: 'service_account_removed', accountId: id, by });
  }
}

/** 409 */
export function nameTaken(name: string): MillraceError {
  return conflict(`There is a service account ${name} already.`, {
    suggestions: ['Take another name, or give the account that is there a new token.'],
  });
}
