import { Module, type DynamicModule } from '@nestjs/common';
import { MillraceConfig } from './millrace-config.js';

/** Gives the configuration that the entry file loaded to every module. */
@Module({})
export class ConfigModule {
  static forRoot(config: MillraceConfig): DynamicModule {
    return {
      module: ConfigModule,
      global: true,
      providers: [{ provide: MillraceConfig, useValue: config }],
      exports: [MillraceConfig],
    };
  }
}
