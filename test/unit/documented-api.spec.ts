import { DocumentedApi, type ApiDocument, type LiveAnswer } from '../support/documented-api.js';

const document: ApiDocument = {
  openapi: '3.1.0',
  paths: {
    '/things/{id}': {
      get: {
        operationId: 'thing',
        responses: {
          200: {
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } },
          },
          204: {},
          503: {
            content: {
              'application/json': { schema: { type: 'object', additionalProperties: true } },
            },
            headers: { 'Retry-After': { schema: { type: 'integer' } } },
          },
        },
      },
    },
    '/things/all': { get: { operationId: 'all', responses: {} } },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        required: ['name', 'part'],
        properties: {
          name: { type: 'string' },
          // A property that is called like a keyword.
          properties: { type: 'object', properties: { a: { type: 'string' } } },
          part: { anyOf: [{ $ref: '#/components/schemas/Part' }, { type: 'null' }] },
        },
      },
      Part: { type: 'object', properties: { at: { type: 'string', format: 'date-time' } } },
    },
  },
};
const json = (body: unknown, status = 200, headers: LiveAnswer['headers'] = {}): LiveAnswer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  text: JSON.stringify(body),
});

describe('DocumentedApi', () => {
  const api = new DocumentedApi(document);
  const thing = api.operationOf('GET', '/things/7?x=y');
  if (thing === undefined) throw new Error('no operation');
  const problems = (answer: LiveAnswer): string[] => api.problemsOf(thing, answer);

  it('finds the operation of a path, the one without parameters first', () => {
    expect(thing.operationId).toBe('thing');
    expect(api.operationOf('GET', '/things/all')?.operationId).toBe('all');
    expect(api.operationOf('POST', '/things/7')).toBeUndefined();
    expect(api.operationOf('GET', '/things/7/more')).toBeUndefined();
  });

  it('takes what is documented', () => {
    expect(problems(json({ name: 'a', part: null }))).toEqual([]);
    expect(problems(json({ name: 'a', part: { at: '2026-01-31T12:00:00.000Z' } }))).toEqual([]);
    expect(problems(json({ name: 'a', part: {}, properties: { a: 'b' } }))).toEqual([]);
    expect(problems(json({ what: 'ever' }, 503, { 'retry-after': '3' }))).toEqual([]);
    expect(problems({ status: 204, headers: {}, text: '' })).toEqual([]);
  });

  it.each([
    ['a status', json({}, 418)],
    ['a content type', { status: 200, headers: { 'content-type': 'text/html' }, text: '' }],
    ['a body', { status: 204, headers: {}, text: 'x' }],
    ['a wrong type', json({ name: 1, part: null })],
    ['a property that is missing', json({ name: 'a' })],
    ['a property that is not named', json({ name: 'a', part: null, more: 1 })],
    ['one of a part that may be null', json({ name: 'a', part: { more: 1 } })],
    [
      'one of an object that is called properties',
      json({ name: 'a', part: null, properties: { b: '' } }),
    ],
    ['a wrong format', json({ name: 'a', part: { at: 'today' } })],
    ['no Retry-After', json({}, 503)],
    ['a Retry-After that is no number', json({}, 503, { 'retry-after': 'soon' })],
  ])('tells %s', (_name, answer) => {
    expect(problems(answer)).not.toEqual([]);
  });

  it('knows what was not seen', () => {
    const fresh = new DocumentedApi(document);
    expect(fresh.unseen(/^2/)).toEqual(['thing 200 application/json', 'thing 204 ']);
    fresh.problemsOf(thing, json({ name: 'a', part: null }));
    expect(fresh.unseen(/^2/)).toEqual(['thing 204 ']);
  });
});
