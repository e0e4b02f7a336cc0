import { Module, type DynamicModule } from '@nestjs/common';
import { Audit } from '../common/audit/audit.js';
import { MemoryAudit } from '../common/audit/memory-audit.fixture.js';
import { MillraceConfig } from '../config/millrace-config.js';
import { createAuthenticator } from './create-authenticator.js';
import { guardProviders } from './guard.providers.js';
import { Authenticator } from './principals/authenticator.js';

/** The guard of all routes without log-ins, and so without a database. */
@Module({})
export class GuardOnlyModule {
  /** @param authenticator default: that of the configuration */
  static forRoot(authenticator?: Authenticator): DynamicModule {
    return {
      module: GuardOnlyModule,
      global: true,
      providers: [
        ...guardProviders,
        { provide: Audit, useClass: MemoryAudit },
        {
          provide: Authenticator,
          inject: [MillraceConfig],
          useFactory: (config: MillraceConfig) => authenticator ?? createAuthenticator(config),
        },
      ],
      exports: [Authenticator],
    };
  }
}
