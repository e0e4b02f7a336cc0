import { standIn } from '../../../../test/support/stand-in.js';
import type { SshClient } from '../../../integrations/ssh/ssh-client.js';
import type { DirectorySettings } from '../../record/deployment.js';
import type { DeploymentStore } from '../../record/deployment-store.js';
import type { SealedTexts } from '../../record/sealed-texts.js';
import { SshDirectoryTarget } from './ssh-directory.target.js';

describe('SshDirectoryTarget', () => {
  const target = new SshDirectoryTarget(
    standIn<SshClient>({}),
    standIn<SealedTexts>({}),
    standIn<DeploymentStore>({}),
  );
  const at = (path: string): DirectorySettings => ({
    ...{ type: 'local_directory', path, keep: 1, exclude: [], shared: [], permissions: {} },
    ssh: { host: 'web.example', port: 22, user: 'ada', identity: 'i' },
  });

  it.each(['/srv/www/shop', '/srv//www/shop/', '/srv/./www/shop'])('goes to %s', (path) => {
    expect(target.placeOf(at(path))).toBe('/srv/www/shop');
  });

  it.each(['', 'shop', './shop', '~/shop', '/', '//', '/.', '/srv/../etc', '/srv/..', '../etc'])(
    'goes to no folder %j, whatever an expression has made',
    (path) => {
      expect(() => target.placeOf(at(path))).toThrow('named whole');
    },
  );
});
