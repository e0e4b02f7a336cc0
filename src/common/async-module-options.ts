import type { FactoryProvider, ModuleMetadata } from '@nestjs/common';

/** How `forRootAsync` of a dynamic module gets its options: a factory, and what it injects. */
export type AsyncModuleOptions<Options> = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<Options>, 'inject' | 'useFactory'>;
