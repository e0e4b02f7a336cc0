import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SealedPlaces } from '../secrets/encryption/sealed-places.js';
import { tokenContext, webhookContext } from './repository-contexts.js';

/** Tells where connected repositories hold something sealed. */
@Injectable()
export class RepositorySealing implements OnModuleInit {
  constructor(private readonly places: SealedPlaces) {}

  onModuleInit(): void {
    this.places.register({
      collection: 'repositories',
      texts: [
        { path: 'token', context: tokenContext },
        { path: 'webhook.secret', context: webhookContext },
        { path: 'webhook.earlier.secret', context: webhookContext },
      ],
    });
  }
}
