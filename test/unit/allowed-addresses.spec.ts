import type { FactoryProvider, Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants.js';
import type { MillraceConfig } from '../../src/config/millrace-config.js';
import { DeploymentsWorkerModule } from '../../src/deployments/deployments.worker.module.js';
import type { DirectorySettings } from '../../src/deployments/record/deployment.js';
import type { DeploymentStore } from '../../src/deployments/record/deployment-store.js';
import { type SealedTexts, textOfIdentity } from '../../src/deployments/record/sealed-texts.js';
import { SshDirectoryTarget } from '../../src/deployments/targets/ssh-directory/ssh-directory.target.js';
import type { Mailer } from '../../src/integrations/mail/mailer.js';
import { newAlert } from '../../src/notifications/alerts/alert.fixture.js';
import { AlertChannels } from '../../src/notifications/delivery/alert-channels.js';
import { NotificationsApiModule } from '../../src/notifications/notifications.api.module.js';
import { DEFAULT_CHECK } from '../../src/service-registry/checks/service-check.js';
import { Prober } from '../../src/service-registry/probing/prober.js';
import { ServiceRegistryModule } from '../../src/service-registry/service-registry.module.js';
import ssh2 from 'ssh2';
import { standIn } from '../support/stand-in.js';

/** As the module of the running server makes it. */
function made<T>(module: Type, token: abstract new (...args: never[]) => T, ...args: unknown[]): T {
  const providers = Reflect.getMetadata(MODULE_METADATA.PROVIDERS, module) as FactoryProvider[];
  const found = providers.find(({ provide }) => provide === token);
  if (found === undefined) throw new Error(`${module.name} does not make ${token.name}`);
  return found.useFactory(...(args as never[])) as T;
}

const codeOf = (outcome: unknown): unknown => (outcome as { code?: unknown } | undefined)?.code;

/** What asks addresses that users have named, with nothing else than the operator allows. */
describe('what the server dials', () => {
  const config = (allowed: string[]): MillraceConfig =>
    ({ allowPrivateUrls: allowed, publicUrl: undefined }) as unknown as MillraceConfig;

  const probe = async (allowed: string[]): Promise<unknown> => {
    const prober = made<Prober>(ServiceRegistryModule, Prober, config(allowed));
    return codeOf(await prober.probe({ url: 'http://127.0.0.1:1/', isOwn: false }, DEFAULT_CHECK));
  };
  const webhook = async (allowed: string[]): Promise<unknown> => {
    const mailer = standIn<Mailer>({});
    const channels = made(NotificationsApiModule, AlertChannels, config(allowed), mailer);
    const url = 'http://127.0.0.1:1/';
    return codeOf(
      await channels.send(newAlert(1), 'c', { type: 'webhook', url, secret: null, headers: [] }),
    );
  };
  const ssh = async (allowed: string[]): Promise<unknown> => {
    const { private: key, public: line } = ssh2.utils.generateKeyPairSync('ed25519');
    const identity = textOfIdentity({ key, knownHosts: `[127.0.0.1]:1 ${line}` });
    const store = standIn<DeploymentStore>({});
    const sealed = standIn<SealedTexts>({ find: () => Promise.resolve(identity) });
    const target = made(
      DeploymentsWorkerModule,
      SshDirectoryTarget,
      config(allowed),
      store,
      sealed,
    );
    const settings: DirectorySettings = {
      ...{ type: 'local_directory', path: '/srv/shop', keep: 1, exclude: [], shared: [] },
      permissions: {},
      ssh: { host: '127.0.0.1', port: 1, user: 'ada', identity: 'i' },
    };
    const refused = await target.serving(settings).catch((error: unknown) => error);
    return codeOf((refused as { reason?: unknown }).reason);
  };

  it.each<[string, (allowed: string[]) => Promise<unknown>, string, string]>([
    ['checks of services', probe, 'address_refused', 'no_connection'],
    ['webhooks of alerts', webhook, 'address_refused', 'no_connection'],
    ['hosts that are deployed to', ssh, 'ssh_address_refused', 'ssh_unreachable'],
  ])('%s: no private address that the operator has not allowed', async (_what, ask, no, yes) => {
    expect(await ask([])).toBe(no);
    expect(await ask(['10.0.0.0/8'])).toBe(no);
    // Nobody listens there, which is found by dialling it.
    expect(await ask(['127.0.0.1'])).toBe(yes);
  });
});
