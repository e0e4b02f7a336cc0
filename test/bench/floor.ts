import { Queue, QueueEvents, Worker } from 'bullmq';
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { Redis } from 'ioredis';

/**
 * The floor: the thinnest path HTTP -> BullMQ -> spawn -> file that does the work of a CI server
 * without being one. No database, no plan, no masks, no lease, no clean-up. `floor.js api|worker
 * <redis socket> <folder> <port>`.
 */
interface Run {
  readonly commands: readonly string[];
  readonly parallel: number;
}

const [role, path = '', folder = '', port] = process.argv.slice(2);
const connection = new Redis({ path, maxRetriesPerRequest: null });
const settings = { connection, skipVersionCheck: true };

function api(): void {
  const queue = new Queue<Run>('floor', settings);
  const ended = new Map<string, (() => void) | true>();
  const events = new QueueEvents('floor', settings);
  events.on('completed', ({ jobId }) => {
    const waiting = ended.get(jobId);
    if (typeof waiting === 'function') waiting();
    ended.set(jobId, true);
  });
  const server = createServer((request, response) => {
    const id = request.url?.slice(1) ?? '';
    if (id === '' && request.method === 'GET') response.end('up');
    else if (request.method === 'POST') {
      void json(request)
        .then((run) => queue.add('run', run as Run, { removeOnComplete: true }))
        .then((job) => response.writeHead(202).end(job.id));
    } else if (ended.get(id) === true) response.end('done');
    else ended.set(id, () => response.end('done'));
  });
  server.listen(Number(port), '127.0.0.1');
}

async function step(command: string, stream: string, name: string): Promise<void> {
  const child = spawn('/bin/sh', ['-e', '-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  const log = createWriteStream(`${name}.log`);
  child.stdout.on('data', (bytes: Buffer) => {
    void connection.xadd(stream, 'MAXLEN', '~', 100, '*', 'b', bytes);
    if (log.write(bytes)) return;
    child.stdout.pause();
    log.once('drain', () => child.stdout.resume());
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  await new Promise<void>((resolve) => log.end(resolve));
  await writeFile(`${name}.status`, String(code));
}

async function run(id: string, { commands, parallel }: Run): Promise<void> {
  await mkdir(`${folder}/${id}`);
  const todo = commands.entries();
  const slot = async (): Promise<void> => {
    for (const [number, command] of todo)
      await step(command, `l${id}`, `${folder}/${id}/${number}`);
  };
  await Promise.all(Array.from({ length: parallel }, slot));
  await connection.del(`l${id}`);
}

if (role === 'api') api();
else
  new Worker<Run>('floor', (job) => run(job.id ?? '', job.data), { ...settings, concurrency: 4 });
