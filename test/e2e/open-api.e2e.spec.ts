import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OpenAPIObject } from '@nestjs/swagger';
import { entryFile, packageRoot } from '../../src/config/paths.js';

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security?: readonly unknown[];
  readonly description?: string;
  readonly 'x-required-scope'?: string;
}

const committed = readFileSync(join(packageRoot(), 'openapi.json'), 'utf8');
const document = JSON.parse(committed) as OpenAPIObject;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    path,
    operation,
  })),
);

describe('openapi.json', () => {
  it('is what the code says (after a change: npm run build && npm run openapi)', async () => {
    const run = promisify(execFile);
    const { stdout } = await run(process.execPath, [entryFile('cli'), 'openapi'], {
      maxBuffer: 64 * 1024 * 1024,
    });
    expect(JSON.parse(stdout)).toEqual(document);
    expect(stdout).toBe(committed);
  });

  it('says what may be null as 3.1 does, and defaults in words', () => {
    expect(document.openapi).toBe('3.1.0');
    // A property may be called so; a default that is an object is none of ours.
    expect(committed).not.toMatch(/"nullable": |"default": (?!\{)/);
    expect(committed).toContain('"type": "null"');
  });

  it('has every schema that it names', () => {
    const named = [...committed.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)];
    const missing = named.map(([, name]) => name ?? '').filter((name) => !schemaNames().has(name));
    expect(named.length).toBeGreaterThan(0);
    expect(missing).toEqual([]);
  });

  it.each(operations)('$name has an id of its own, a summary and answers', ({ operation }) => {
    const same = operations.filter((each) => each.operation.operationId === operation.operationId);
    expect(same).toHaveLength(1);
    expect(operation.summary).toMatch(/\S/);
    expect(Object.keys(operation.responses).some((status) => /^[23]/.test(status))).toBe(true);
  });

  it('asks for the token everywhere but for health, the schema, webhooks and log-ins', () => {
    const open = operations.filter(({ operation }) => operation.security === undefined);
    expect(open.map(({ path }) => path).sort()).toEqual([
      '/api/ci/pipelines/{id}/webhook',
      '/api/health/live',
      '/api/health/ready',
      '/api/healthchecker',
      '/api/repositories/{id}/webhook',
      '/api/schema.json',
      '/api/sessions/oauth',
      '/api/sessions/oauth/{provider}',
      '/api/sessions/oauth/{provider}/callback',
      '/api/sessions/refresh',
      '/api/sessions/token',
      '/api/webhooks/{forge}',
    ]);
  });

  it('names the scope of whatever asks for the token', () => {
    for (const { operation } of operations) {
      const scope = operation['x-required-scope'];
      expect(scope === undefined).toBe(operation.security === undefined);
      if (scope !== undefined) {
        expect(operation.description).toContain(`Requires the scope \`${scope}\` (`);
      }
    }
  });
});

function schemaNames(): Set<string> {
  return new Set(Object.keys(document.components?.schemas ?? {}));
}
