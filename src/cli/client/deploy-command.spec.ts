import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DeployFlags, deployOf } from './deploy-command.js';

describe('deploy', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'mr-deploy-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const refusal = (image: string | undefined, flags: object): Promise<string> =>
    deployOf(image, flags as DeployFlags).then(String, (error: Error) => error.message);
  const inFile = (text: string): Promise<unknown> => {
    const file = join(folder, 'deploy.yaml');
    writeFileSync(file, text);
    return deployOf(undefined, { file });
  };

  it('is of an image by its options', async () => {
    const flags = { service: 'production/shop', port: 3000, domain: 'shop.example' };
    expect(await deployOf('shop:1', flags as DeployFlags)).toEqual({
      ...{ type: 'docker_container', service: 'shop', environment: 'production' },
      ...{ image: 'shop:1', port: 3000, publish: { domain: 'shop.example' } },
    });
    const least = { service: 'shop', publish: 80 };
    expect(await deployOf('shop:1', least as DeployFlags)).toMatchObject({
      ...{ environment: 'default', publish: 80 },
    });
  });

  it('is what a file says, itself or below its key, as it is written', async () => {
    const map = 'type: local_service\nvariables: { V: 1.10, N: 7, T: yes, constructor: a }\n';
    const read = await inFile(map);
    expect(read).toMatchObject({
      type: 'local_service',
      variables: { V: '1.10', N: 7, T: 'yes', constructor: 'a' },
    });
    expect(await inFile(`deploy:\n  ${map.replace('\n', '\n  ')}`)).toEqual(read);
  });

  it('says where a file is no YAML', async () => {
    await expect(inFile('a: [b\n')).rejects.toThrow(/deploy\.yaml:\d+:\d+: /);
    await expect(inFile('')).rejects.toThrow('deploy.yaml:1:1: ');
  });

  it.each([
    [undefined, {}, 'Name an image'],
    ['shop:1', {}, 'Add --service'],
    ['shop:1', { service: 's', artifact: 'e/a' }, 'has no artifact'],
    ['shop:1', { service: 's', publish: 1, domain: 'a.b' }, '--domain'],
    ['shop:1', { file: 'x' }, 'With --file'],
    [undefined, { file: 'x', service: 's' }, 'With --file'],
  ])('refuses %s with %j', async (image, flags, message) => {
    expect(await refusal(image, flags)).toContain(message);
  });
});
