import { ModulesContainer, NestFactory } from '@nestjs/core';
import { createRootLogger } from '../common/logging/root-logger.js';
import { ExecutionParts } from '../common/retention/execution-parts.js';
import { parseConfig } from '../config/load-config.js';
import { AppModule, type Role } from './app.module.js';

/**
 * Modules that ask for the registry, to leave a part of executions there. Nothing is instantiated.
 */
async function registering(role: Role): Promise<string[]> {
  const parsed = parseConfig({ MONGODB_URI: 'mongodb://unused', REDIS_URL: 'redis://unused' });
  if (parsed.kind === 'invalid') throw new Error(JSON.stringify(parsed.problems));
  const logger = createRootLogger({ level: 'silent', role: 'test' });
  const app = await NestFactory.create(AppModule.forRole(role, parsed.config, logger), {
    preview: true,
    logger: false,
  });
  const asks = (target: object): boolean =>
    ((Reflect.getMetadata('design:paramtypes', target) ?? []) as unknown[]).includes(
      ExecutionParts,
    );
  return [...app.get(ModulesContainer).values()]
    .filter(({ metatype }) => asks(metatype))
    .map(({ name }) => name)
    .sort();
}

/**
 * Retention runs in every process: a part that one of them does not know would be orphaned there.
 */
it('every role knows every part of executions', async () => {
  const known = await registering('api');
  expect(known).toEqual(['ExecutionsModule', 'LogsModule']);
  expect(await registering('worker')).toEqual(known);
  expect(await registering('all')).toEqual(known);
});

it('two parts of one name are a mistake', () => {
  const parts = new ExecutionParts();
  const log = {
    name: 'log',
    remove: () => Promise.resolve(),
    firstExecution: () => Promise.resolve(undefined),
  };
  parts.register(log);
  expect(() => parts.register(log)).toThrow('two parts of executions are named log');
});
