import { Injectable, type OnModuleInit } from '@nestjs/common';
import { SealedPlaces } from '../../secrets/encryption/sealed-places.js';
import { SEALED_TEXTS } from './deployment.schema.js';
import { sealedTextContext } from './sealed-texts.repository.js';

/** Tells where what releases need and nobody may read is sealed. */
@Injectable()
export class SealedTextsPlaces implements OnModuleInit {
  constructor(private readonly places: SealedPlaces) {}

  onModuleInit(): void {
    this.places.register({
      collection: SEALED_TEXTS,
      texts: [{ path: 'sealed', context: sealedTextContext }],
    });
  }
}
