import { Global, Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import { IDEMPOTENCY_KEY_MODEL, idempotencyKeySchema } from './idempotency-key.schema.js';
import { IdempotencyKeys } from './idempotency-keys.js';
import { IdempotencyKeysRepository } from './idempotency-keys.repository.js';
import { IdempotencySweeper } from './idempotency-sweeper.js';

/** API only, global: what `@Idempotent()` needs in the module of any controller. */
@Global()
@Module({
  imports: [
    MongooseModule.forFeature([{ name: IDEMPOTENCY_KEY_MODEL, schema: idempotencyKeySchema }]),
  ],
  providers: [IdempotencyKeys, IdempotencyKeysRepository, IdempotencySweeper],
  exports: [IdempotencyKeys],
})
export class IdempotencyModule {}
