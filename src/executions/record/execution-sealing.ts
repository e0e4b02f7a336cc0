import { Injectable, type OnModuleInit } from '@nestjs/common';
import { clearFields, SealedPlaces } from '../../secrets/encryption/sealed-places.js';
import type { ExecutionRecord } from './execution.schema.js';
import { suspensionContext } from './suspension.js';
import { executionContext, GIVEN_FIELDS, sealedGiven } from './sealed-execution.js';

/** Tells where executions hold something sealed. */
@Injectable()
export class ExecutionSealing implements OnModuleInit {
  constructor(private readonly places: SealedPlaces) {}

  onModuleInit(): void {
    this.places.register({
      collection: 'executions',
      texts: [
        { path: 'sealed', context: executionContext },
        { path: 'suspension.sealed', context: suspensionContext },
      ],
      clear: clearFields(GIVEN_FIELDS, (keyring, document) =>
        sealedGiven(keyring, document as unknown as ExecutionRecord),
      ),
    });
  }
}
