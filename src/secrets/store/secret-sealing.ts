import { Injectable, type OnModuleInit } from '@nestjs/common';
import { forgeTokensContext } from '../../auth/users/access-check.js';
import { SealedPlaces } from '../encryption/sealed-places.js';
import { secretContext } from './secrets.service.js';

/** Tells where secrets, and people's tokens of their forge, are sealed. */
@Injectable()
export class SecretSealing implements OnModuleInit {
  constructor(private readonly places: SealedPlaces) {}

  onModuleInit(): void {
    this.places.register({
      collection: 'secrets',
      texts: [{ path: 'value', context: secretContext }],
    });
    // Who logs in stands below this, and knows no more than that something seals.
    this.places.register({
      collection: 'users',
      texts: [{ path: 'forge_tokens', context: forgeTokensContext }],
    });
  }
}
