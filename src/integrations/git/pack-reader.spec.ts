import { randomBytes } from 'node:crypto';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitFixture } from '../../../test/support/git-http-server.js';
import { PackFormatError, PackReader } from './pack-reader.js';

jest.setTimeout(60_000);

describe('PackReader', () => {
  let fixture: GitFixture;
  const packs = (): string => join(fixture.directory, '.git/objects/pack');
  beforeEach(async () => {
    fixture = await GitFixture.create();
  });
  afterEach(() => fixture.remove());

  const commitNumbered = async (count: number): Promise<void> => {
    const noise = randomBytes(70_000).toString('base64');
    for (let number = 0; number < count; number++) {
      const text = `${number}\n${noise.slice(number)}${'x'.repeat(number * 50)}\n`;
      writeFileSync(join(fixture.directory, 'changing'), text);
      writeFileSync(join(fixture.directory, `file-${number}`), `${number}`);
      await fixture.commit(`commit ${number}`);
    }
  };

  it.each([
    ['deltas by offset', ['repack', '-adfq', '--depth=50', '--window=50']],
    ['deltas by name', ['-c', 'repack.useDeltaBaseOffset=false', 'repack', '-adfq']],
    ['no deltas', ['repack', '-adfq', '--depth=0']],
  ])('reads every tree and blob that git reads: %s', async (_what, repack) => {
    await commitNumbered(10);
    await fixture.git(...repack);
    const reader = new PackReader(packs());
    const listed = await fixture.git(
      'cat-file',
      '--batch-all-objects',
      '--batch-check=%(objecttype) %(objectname)',
    );
    let read = 0;
    for (const line of listed.split('\n')) {
      const [type, oid = ''] = line.split(' ');
      if (type === 'blob') {
        const expected = await fixture.git('cat-file', 'blob', oid);
        const content = Buffer.from(await reader.readBlob(oid)).toString();
        expect(content.replace(/\n$/, '') === expected).toBe(true);
      } else if (type === 'tree') {
        const expected = await fixture.git('ls-tree', oid);
        const entries = await reader.readTree(oid);
        const lines = entries.map(({ mode, path, oid: of }) => `${mode} blob ${of}\t${path}`);
        expect(lines.join('\n')).toBe(expected);
      } else continue;
      read += 1;
    }
    expect(read).toBe(30);
  });

  it('finds objects in any of several packs', async () => {
    await commitNumbered(2);
    await fixture.git('repack', '-dq');
    await commitNumbered(3);
    await fixture.git('repack', '-dq');
    const reader = new PackReader(packs());
    const tree = await reader.readTree(await fixture.git('rev-parse', 'HEAD^{tree}'));
    for (const { oid } of tree) expect((await reader.readBlob(oid)).length).toBeGreaterThan(0);
  });

  it('says what is missing, or is something else', async () => {
    await commitNumbered(1);
    await fixture.git('repack', '-adq');
    const reader = new PackReader(packs());
    await expect(reader.readBlob('1'.repeat(40))).rejects.toBeInstanceOf(PackFormatError);
    const tree = await fixture.git('rev-parse', 'HEAD^{tree}');
    await expect(reader.readBlob(tree)).rejects.toBeInstanceOf(PackFormatError);
  });

  it('fails by an error, never by a hang or a wrong file, for any damaged byte', async () => {
    await commitNumbered(6);
    await fixture.git('repack', '-adfq', '--depth=50', '--window=50');
    const blobs = (await fixture.git('ls-tree', 'HEAD'))
      .split('\n')
      .map((line) => line.slice(12, 52));
    const intact = new PackReader(packs());
    const expected = new Map<string, Buffer>();
    for (const oid of blobs) expected.set(oid, Buffer.from(await intact.readBlob(oid)));
    const name = readdirSync(packs()).find((file) => file.endsWith('.pack')) ?? '';
    const path = join(packs(), name);
    const content = readFileSync(path);
    chmodSync(path, 0o600);
    for (let at = 12; at < content.length - 20; at += Math.ceil(content.length / 300)) {
      const damaged = Buffer.from(content);
      damaged[at] = (damaged[at] ?? 0) ^ 0x11;
      writeFileSync(path, damaged);
      const reader = new PackReader(packs());
      for (const oid of blobs) {
        const read = await reader.readBlob(oid).catch((error: unknown) => {
          expect(error).toHaveProperty('message');
          return expected.get(oid);
        });
        expect(Buffer.compare(Buffer.from(read ?? []), expected.get(oid) ?? Buffer.alloc(0))).toBe(
          0,
        );
      }
    }
  });
});
