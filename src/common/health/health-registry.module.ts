import { Global, Module } from '@nestjs/common';
import { HealthRegistry } from './health-registry.js';

/** Global: gives every module the registry. */
@Global()
@Module({ providers: [HealthRegistry], exports: [HealthRegistry] })
export class HealthRegistryModule {}
