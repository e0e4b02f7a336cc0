import { Global, Module } from '@nestjs/common';
import { ExecutionParts } from './execution-parts.js';

/** Global: gives every module the registry. */
@Global()
@Module({ providers: [ExecutionParts], exports: [ExecutionParts] })
export class ExecutionPartsModule {}
