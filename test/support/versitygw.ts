import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endChild } from './end-child.js';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { describeMissing } from './needed-programs.js';
import { removeTree } from './remove-tree.js';

const START_MS = 30_000;
const BUCKET = 'objects';

/** Folder of the versitygw that `test/versitygw/build` has made, or why there is none. */
export function findVersitygw(): { readonly root: string } | { readonly problem: string } {
  const program = join(__dirname, '../versitygw/build');
  const { status, stdout, stderr } = spawnSync(program, ['--kept'], { encoding: 'utf8' });
  return status === 0 ? { root: stdout.trim() } : { problem: stderr.trim() };
}

/** `describe` with it. Where there is none it is skipped and says so; in CI it fails. */
export function describeVersitygw(name: string, body: (root: string) => void): void {
  const found = findVersitygw();
  if ('root' in found) return describe(name, () => body(found.root));
  const { problem } = found;
  if (process.env['CI'] === undefined) process.stderr.write(`S3 is skipped: ${problem}\n`);
  describeMissing(problem, name, () => body(''));
}

/** A real server of S3 on loopback with one bucket, which is a folder. */
export class Versitygw {
  readonly bucket = BUCKET;
  readonly region = 'us-east-1';
  readonly accessKeyId = 'an-access-key-of-tests';
  readonly secretAccessKey = 'a-secret-key-of-tests';

  private child: ChildProcess | undefined;
  private output = '';

  private constructor(
    private readonly program: string,
    private readonly folder: string,
    private readonly data: string,
    private readonly port: number,
  ) {}

  /**
   * @param root folder that `findVersitygw` has found
   * @param data an empty folder for the objects; absent: a temporary one
   */
  static async start(root: string, data?: string): Promise<Versitygw> {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-versitygw-'));
    const program = join(root, 'versitygw');
    const server = new Versitygw(program, folder, data ?? join(folder, 'data'), await freePort());
    try {
      await mkdir(server.bucketFolder, { recursive: true });
      await mkdir(join(folder, 'meta'));
      await server.serve();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get endpoint(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  /** Its files are the objects. */
  get bucketFolder(): string {
    return join(this.data, BUCKET);
  }

  async stop(): Promise<void> {
    await endChild(this.child);
    await removeTree(this.folder);
  }

  private async serve(): Promise<void> {
    const address = `127.0.0.1:${String(this.port)}`;
    // Metadata in files beside: not every file system has extended attributes.
    const child = spawn(
      this.program,
      ['--quiet', '--port', address, 'posix', '--sidecar', join(this.folder, 'meta'), this.data],
      {
        env: { ROOT_ACCESS_KEY_ID: this.accessKeyId, ROOT_SECRET_ACCESS_KEY: this.secretAccessKey },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`versitygw ended:\n${this.output}`);
      // Refused for want of a signature, it is there.
      const asked = fetch(`${this.endpoint}/${BUCKET}`).catch(() => undefined);
      return (await asked)?.status === 403 || undefined;
    }, START_MS);
  }
}
