import { Module } from '@nestjs/common';
import { MongooseModule } from '@nestjs/mongoose';
import {
  SERVICE_ACCOUNT_MODEL,
  serviceAccountSchema,
} from '../service-accounts/service-account.schema.js';
import { ServiceAccountsRepository } from '../service-accounts/service-accounts.repository.js';
import { USER_MODEL, userSchema } from '../users/user.schema.js';
import { UsersRepository } from '../users/users.repository.js';
import { Accounts } from './accounts.js';

/** Who has an account, for every role; log-ins and what they bring are the API's (`AuthModule`). */
@Module({
  imports: [
    MongooseModule.forFeature([
      { name: USER_MODEL, schema: userSchema },
      { name: SERVICE_ACCOUNT_MODEL, schema: serviceAccountSchema },
    ]),
  ],
  providers: [UsersRepository, ServiceAccountsRepository, Accounts],
  exports: [UsersRepository, ServiceAccountsRepository, Accounts],
})
export class AccountsModule {}
