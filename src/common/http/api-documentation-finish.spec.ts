import type { OpenAPIObject } from '@nestjs/swagger';
import { notFound } from '../errors/millrace.error.js';
import { errorAnswer } from './api-documentation.js';
import { finishDocument } from './api-documentation-finish.js';

interface Finished {
  readonly parameters?: readonly { readonly name: string; readonly schema: unknown }[];
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
}

interface Answer {
  readonly content: {
    readonly 'application/json': {
      readonly example?: { readonly message: string };
      readonly examples?: Readonly<
        Record<string, { readonly value: { readonly message: string } }>
      >;
    };
  };
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

  it('tells examples of what may be left out in words: a page would send them', () => {
    const schema = { type: 'string', example: 'main' };
    const parameters = [
      { in: 'query', name: 'branch', description: 'Of a run.', schema: { ...schema } },
      { in: 'path', name: 'name', required: true, schema: { ...schema } },
    ];
    const { operation } = finished('/api/things/{name}', { parameters });
    expect(operation.parameters).toEqual([
      {
        in: 'query',
        name: 'branch',
        description: 'Of a run. For example `main`.',
        schema: { type: 'string' },
      },
      { in: 'path', name: 'name', required: true, schema },
    ]);
  });

  describe('examples of errors', () => {
    const messages = (operation: object, status: number): string[] => {
      const answer = finished('/api/things/{id}', operation).operation.responses[status];
      const json = (answer as Answer).content['application/json'];
      const all = json.examples ? Object.values(json.examples).map(({ value }) => value) : [];
      return [...(json.example ? [json.example] : []), ...all].map(({ message }) => message);
    };
    const parameters = [{ in: 'path', name: 'id', required: true, schema: { type: 'string' } }];
    const body = { content: { 'text/yaml': {} } };

    it('are what every route answers alike, by what it takes', () => {
      const operation = (): object => ({ parameters, requestBody: body });
      expect(messages(operation(), 400)).toEqual(['id is not a UUID.']);
      expect(messages(operation(), 403)).toEqual(['The Host header names another server.']);
      expect(messages(operation(), 429)).toEqual(['The client sends too many requests.']);
      expect(messages({ 'x-max-body-bytes': 7, ...operation() }, 413)).toEqual([
        'The body is larger than 7 bytes.',
      ]);
      expect(JSON.stringify(finished('/api/things/{id}', operation()))).toContain('["text/yaml"]');
    });

    it('leave those of the route, beside which a server may be busy', () => {
      const own = errorAnswer(503, [notFound('thing', '7')]);
      expect(messages({ responses: { 503: own } }, 503)).toEqual([
        'There is no thing 7.',
        'The server has more requests at work than it can serve in time.',
      ]);
      const conflicts = errorAnswer(400, [notFound('thing', '8'), notFound('thing', '9')]);
      expect(messages({ parameters, responses: { 400: conflicts } }, 400)).toEqual([
        'There is no thing 8.',
        'There is no thing 9.',
      ]);
    });
  });

  it('puts what is said of a body to its media type, and knows one that is not taken', () => {
    const requestBody = { content: { 'application/json': { schema: { type: 'object' } } } };
    const { operation } = finished('/api/things', {
      requestBody,
      'x-millrace-body:application/json': { example: { a: 1 } },
    });
    expect(operation).toMatchObject({
      requestBody: {
        content: { 'application/json': { schema: { type: 'object' }, example: { a: 1 } } },
      },
    });
    expect(JSON.stringify(operation)).not.toContain('x-millrace');
    const other = { requestBody, 'x-millrace-body:text/yaml': { example: 'a' } };
    expect(() => finished('/api/things', other)).toThrow('a body that is not taken');
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
