import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HttpClient } from '../http-client.js';
import type { Repetition, Subject, Workload } from '../subject.js';

/** The thinnest path (`floor.ts`). Its end is seen by a GET that the server answers at the end. */
export class FloorSubject implements Subject {
  readonly name = 'floor';

  constructor(
    private readonly http: HttpClient,
    private readonly folder: string,
  ) {}

  async prepare({ commands, parallel, runs }: Workload): Promise<Repetition> {
    const one = async (): Promise<string> => {
      const id = (await this.http.send('POST', '/', { commands, parallel })).body.toString();
      await this.http.send('GET', `/${id}`);
      return id;
    };
    return async () => {
      const start = performance.now();
      const ids = await Promise.all(Array.from({ length: runs }, one));
      const took = performance.now() - start;
      for (const id of ids) await requireAll(join(this.folder, id), commands.length);
      return took;
    };
  }
}

/** @throws Error when a step has no log or no good status */
async function requireAll(folder: string, count: number): Promise<void> {
  const names = await readdir(folder);
  const logs = names.filter((name) => name.endsWith('.log'));
  const statuses = names.filter((name) => name.endsWith('.status'));
  if (logs.length !== count || statuses.length !== count) {
    throw new Error(`${folder}: ${statuses.length} of ${count} steps ended`);
  }
  for (const name of statuses) {
    const status = (await readFile(join(folder, name), 'utf8')).trim();
    if (status !== '0') throw new Error(`${folder}/${name}: ${status}`);
  }
}
