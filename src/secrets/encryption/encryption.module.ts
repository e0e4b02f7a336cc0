import { Global, Module } from '@nestjs/common';
import { MillraceConfig } from '../../config/millrace-config.js';
import { loadKeyring } from './encryption-keys.js';
import { Keyring } from './keyring.js';
import { SealedPlaces } from './sealed-places.js';

/** Every role: what is stored sealed is opened with the same keys everywhere. */
@Global()
@Module({
  providers: [
    SealedPlaces,
    {
      provide: Keyring,
      inject: [MillraceConfig],
      useFactory: ({ encryptionKeys, home }: MillraceConfig) => loadKeyring(encryptionKeys, home),
    },
  ],
  exports: [Keyring, SealedPlaces],
})
export class EncryptionModule {}
