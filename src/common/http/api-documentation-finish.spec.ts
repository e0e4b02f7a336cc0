import type { OpenAPIObject } from '@nestjs/swagger';
import { finishDocument } from './api-documentation-finish.js';

interface Finished {
  readonly parameters?: readonly { readonly name: string; readonly schema: unknown }[];
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
}

function finished(path: string, operation: object, schemas: object = {}) {
  const document = finishDocument({
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
    paths: { [path]: { post: operation } },
    components: { schemas },
  } as unknown as OpenAPIObject);
  return {
    operation: document.paths[path]?.post as unknown as Finished,
    schemas: document.components?.schemas as Readonly<Record<string, unknown>>,
  };
}

const statuses = (path: string, operation: object): string[] =>
  Object.keys(finished(path, operation).operation.responses);

describe('finishDocument', () => {
  it('names the errors that stand before every route, and leaves what the route says itself', () => {
    const own = { 200: { description: 'Fine.' }, 503: { description: 'Own words.' } };
    const { operation } = finished('/api/things', { responses: own });
    expect(Object.keys(operation.responses)).toEqual(['200', '403', '429', '503']);
    expect(operation.responses['503']).toEqual({ description: 'Own words.' });
    expect(operation.responses['403']).toMatchObject({
      description: 'AuthorizationError',
      content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorResponse' } } },
    });
  });

  it('adds those of parameters and of bodies where there are any', () => {
    const parameters = [{ in: 'query', name: 'limit', schema: {} }];
    expect(statuses('/api/things', { parameters })).toEqual(['400', '403', '429', '503']);
    expect(statuses('/api/things', { requestBody: {} })).toEqual([
      '400',
      '403',
      '413',
      '415',
      '429',
      '503',
    ]);
  });

  it('says that probes are not limited', () => {
    expect(statuses('/api/health/live', {})).toEqual(['403']);
  });

  it('knows what a path takes', () => {
    const parameters = [
      { in: 'path', name: 'id', schema: { type: 'string' } },
      { in: 'path', name: 'version', schema: { type: 'number' } },
      { in: 'query', name: 'id', schema: { type: 'string' } },
    ];
    const { operation } = finished('/api/things/{id}', { parameters });
    expect(operation.parameters?.map(({ schema }) => schema)).toEqual([
      { type: 'string', format: 'uuid' },
      { type: 'integer', minimum: 1 },
      { type: 'string' },
    ]);
  });

  it('tells defaults of parameters in words: a generated client would always send them', () => {
    const schema = { type: 'integer', default: 50 };
    const parameters = [{ in: 'query', name: 'limit', description: 'Of a page.', schema }];
    expect(finished('/api/things', { parameters }).operation.parameters).toEqual([
      {
        in: 'query',
        name: 'limit',
        description: 'Of a page. Default: `50`.',
        schema: { type: 'integer' },
      },
    ]);
  });

  it('tells defaults in words: a generated client would ask for the property', () => {
    const schemas = {
      Thing: {
        type: 'object',
        properties: {
          mode: { type: 'string', default: 'all' },
          size: { type: 'integer', default: 3, description: 'Of it.' },
          parts: {
            type: 'array',
            items: { type: 'object', properties: { on: { type: 'boolean', default: false } } },
          },
          default: { type: 'string' },
        },
      },
    };
    expect(finished('/api/things', {}, schemas).schemas['Thing']).toEqual({
      type: 'object',
      properties: {
        mode: { type: 'string', description: 'Default: `"all"`.' },
        size: { type: 'integer', description: 'Of it. Default: `3`.' },
        parts: {
          type: 'array',
          items: {
            type: 'object',
            properties: { on: { type: 'boolean', description: 'Default: `false`.' } },
          },
        },
        default: { type: 'string' },
      },
    });
  });
});
