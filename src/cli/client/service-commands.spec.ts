import { renderRemovalPlan, renderService, servicePath } from './service-commands.js';

const shop = {
  ...{ id: '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b', name: 'shop', environment: 'production' },
  ...{ service_type: 'external', status: 'degraded', since: '2026-01-31T12:02:57.000Z' },
  ...{ reason: { code: 'endpoints_failed', message: '1 of 2 endpoints fail' }, host: null },
  endpoints: [
    { url: 'http://a.example/', status: 'running', problem: null },
    { url: 'http://b.example/', status: 'failed', problem: { message: 'no\u001b[2J answer' } },
    { url: 'http://c.example/', status: null, problem: null },
  ],
  ...{ tags: ['web'], dependencies: ['production/db'] },
  root_cause: { service: 'production/db', status: 'failed', since: '2026-01-31T12:02:00.000Z' },
  maintenance: { until: '2026-01-31T13:00:00.000Z', reason: 'a disk\u001b[2J' },
};

describe('services', () => {
  it('are shown with their state, why it is so, and what each endpoint answers', () => {
    const lines = renderService(shop).join('\n');
    expect(lines).not.toContain('\u001b');
    expect(lines).toContain(`production/shop: degraded since 2026-01-31T12:02:57.000Z
  why        1 of 2 endpoints fail
  cause      production/db is failed since 2026-01-31T12:02:00.000Z
  maintenance until 2026-01-31T13:00:00.000Z: a disk
  type       external
  endpoint   http://a.example/ running
  endpoint   http://b.example/ failed: no`);
    expect(lines).toContain(`  endpoint   http://c.example/ not asked
  tags       web
  needs      production/db`);
  });

  it('are removed after all that goes was said', () => {
    const none = { folders: [], instances: [], images: [], ports: [], routes: [] };
    const plan = { environment: 'production', name: 'shop' };
    const api = { service: 'production/api', host: 'web-1', ...none };
    const things = { releases: [1, 2], folders: ['/srv/shop\u001b[2J'], ports: [8080] };
    const unit = { service: 'production/shop', host: 'web-1', ...none, releases: [] };
    expect(renderRemovalPlan({ ...plan, services: [{ ...api, ...things }, unit] })).toEqual([
      'production/shop is removed, with what is registered of it and the history of its health.',
      'Of production/api on web-1:',
      ...['  releases   1, 2', '  folders    /srv/shop', '  ports      8080'],
      'What its application has written stays.',
    ]);
    expect(renderRemovalPlan({ ...plan, services: [] })).toHaveLength(1);
  });

  it.each([
    ['shop', 'default%2Fshop'],
    ['production/shop', 'production%2Fshop'],
    ['01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b', '01932f5e-9d10-7c43-a5b1-6a3c2f1e0d4b'],
    ['../users', '..%2Fusers'],
  ])('are named as %s', (name, path) => {
    expect(servicePath(name)).toBe(`/api/services/${path}`);
  });
});
