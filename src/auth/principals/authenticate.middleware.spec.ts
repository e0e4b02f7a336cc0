import type { Request, Response } from 'express';
import { authenticateWith } from './authenticate.middleware.js';
import { principalOf } from './principal.js';

describe('authenticateWith', () => {
  const known = principalOf({ id: 'token', kind: 'token', role: 'admin' });
  const asked: unknown[] = [];
  const pass = async (request: object, answer: () => unknown): Promise<object> => {
    const identify = async (credentials: unknown): Promise<typeof known | undefined> => {
      asked.push(credentials);
      return answer() as typeof known | undefined;
    };
    await new Promise<void>((resolve) => {
      authenticateWith({ identify })(request as Request, {} as Response, () => resolve());
    });
    return request;
  };
  beforeEach(() => asked.splice(0));

  it('knows a request by its header or its cookie', async () => {
    const headers = { authorization: 'Bearer t', cookie: 's=1', 'x-token': 't' };
    expect(await pass({ headers }, () => known)).toMatchObject({ principal: known });
    expect(asked).toEqual([{ authorization: 'Bearer t', cookie: 's=1' }]);
  });

  it('never by what its URL or its body holds: these are in logs and histories', async () => {
    const token = { access_token: 't', token: 't', authorization: 'Bearer t' };
    const url = '/api/ci/pipelines?access_token=t&token=t&authorization=Bearer%20t';
    const request = {
      headers: {},
      url,
      originalUrl: url,
      query: token,
      body: token,
      params: token,
    };
    expect(await pass(request, () => undefined)).not.toHaveProperty('principal');
    expect(asked).toEqual([{ authorization: undefined, cookie: undefined }]);
  });

  it('says that nobody could find out who it is', async () => {
    const error = new Error('away');
    const request = await pass({ headers: {} }, () => {
      throw error;
    });
    expect(request).toMatchObject({ unidentified: error });
    expect(request).not.toHaveProperty('principal');
  });
});
