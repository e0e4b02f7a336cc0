import { standIn } from '../../../../test/support/stand-in.js';
import type { SshClient, SshSession } from '../../../integrations/ssh/ssh-client.js';
import type { DirectorySettings, Service } from '../../record/deployment.js';
import type { DeploymentStore } from '../../record/deployment-store.js';
import { type SealedTexts, textOfIdentity } from '../../record/sealed-texts.js';
import { SAYS } from './remote-scripts.js';
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

  describe('a script there', () => {
    const RELEASE = { number: 1, service_id: 'default/shop', settings: at('/srv/shop') };
    const short = 60_000;

    it.each<[string, (one: SshDirectoryTarget) => Promise<unknown>, number]>([
      ['plan', (one) => one.plan('default/shop', at('/srv/shop')), short],
      ['arm', (one) => one.arm(RELEASE, 't'), short],
      ['switchTo', (one) => one.switchTo(RELEASE, 't'), short],
      ['disarm', (one) => one.disarm(at('/srv/shop')), short],
      ['serving', (one) => one.serving(at('/srv/shop')), short],
      ['withdraw', (one) => one.withdraw(RELEASE), short],
      ['forget', (one) => one.forget('default/shop', at('/srv/shop')), short],
      // All files of a release.
      ['digestOf', (one) => one.digestOf(RELEASE), 2 * 3_600_000],
      ['remove', (one) => one.remove(RELEASE), 2 * 3_600_000],
    ])('has a deadline: %s', async (_name, work, limit) => {
      const limits: number[] = [];
      const session = standIn<SshSession>({
        run: async ({ timeoutMs }) => {
          limits.push(timeoutMs);
          return { code: 0, output: Buffer.from(SAYS), errors: '' };
        },
        close: () => undefined,
      });
      const limited = new SshDirectoryTarget(
        standIn<SshClient>({ connect: () => Promise.resolve(session) }),
        standIn<SealedTexts>({
          find: () => Promise.resolve(textOfIdentity({ key: 'k', knownHosts: 'h' })),
        }),
        standIn<DeploymentStore>({ service: () => Promise.resolve({ id: 's' } as Service) }),
      );
      await work(limited);
      expect([...new Set(limits)]).toEqual([limit]);
    });
  });

  it.each(['', 'shop', './shop', '~/shop', '/', '//', '/.', '/srv/../etc', '/srv/..', '../etc'])(
    'goes to no folder %j, whatever an expression has made',
    (path) => {
      expect(() => target.placeOf(at(path))).toThrow('named whole');
    },
  );
});
