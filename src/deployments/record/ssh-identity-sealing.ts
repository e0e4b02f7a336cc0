import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SealedPlaces } from '../../secrets/encryption/sealed-places.js';
import { SSH_IDENTITIES } from './deployment.schema.js';
import { sshIdentityContext } from './ssh-identities.repository.js';

/** Tells where the keys of releases on other hosts are sealed. */
@Injectable()
export class SshIdentitySealing implements OnModuleInit {
  constructor(private readonly places: SealedPlaces) {}

  onModuleInit(): void {
    this.places.register({
      collection: SSH_IDENTITIES,
      texts: [{ path: 'sealed', context: sshIdentityContext }],
    });
  }
}
