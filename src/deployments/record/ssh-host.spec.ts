import { type DirectorySettings, hostOf, placeOn, type SshPlace } from './deployment.js';

const ssh = (host: string): SshPlace => ({ host, port: 22, user: 'deploy', identity: 'i' });

const SETTINGS: DirectorySettings = {
  ...{ type: 'local_directory', path: '/srv/shop', keep: 5 },
  ...{ exclude: [], shared: [], permissions: {} },
};

it('a host that is reached by SSH is the same for every worker', () => {
  expect(hostOf(SETTINGS, 'worker-1')).toBe('worker-1');
  expect(hostOf({ ...SETTINGS, ssh: ssh('web.example') }, 'worker-1')).toBe(
    'ssh://deploy@web.example:22',
  );
  expect(hostOf({ ...SETTINGS, ssh: ssh('2001:db8::1') }, 'worker-2')).toBe(
    'ssh://deploy@[2001:db8::1]:22',
  );
  expect(placeOn('worker-1', '/srv/shop')).toBe('worker-1:/srv/shop');
  expect(placeOn('ssh://deploy@web.example:22', '/srv/shop')).toBe(
    'ssh://deploy@web.example:22/srv/shop',
  );
});
