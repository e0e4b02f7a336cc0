import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { uuidV7 } from '../../common/ids/uuid.js';
import type { ApiClient, Read } from '../api/api-client.js';
import { RefusedError } from '../api/refusal.js';
import {
  savedPipeline,
  type SavedPipeline,
  validation,
  type Validation,
  wholePipeline,
} from '../api/wire-readers.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { pipelineLines, pipelinesNamed } from './find-pipeline.js';

export type ApplyAction = 'created' | 'updated' | 'unchanged';

export interface Applied {
  readonly action: ApplyAction;
  readonly saved: Read<SavedPipeline>;
}

/**
 * Of one name in a day, the time that a server keeps keys: beyond, nothing is shared with who
 * applies at the same moment.
 */
const MAX_KEYS = 20;
/** How often it is looked whether what somebody else creates at this moment is there. */
const LOOKS = 5;
const LOOK_PAUSE_MS = 200;
const MAX_TRIES = 5;

/** What a server makes of YAML: its name, or its problems. @throws CommandError */
export async function validateYaml(api: ApiClient, yaml: string): Promise<Validation> {
  const request = {
    method: 'POST',
    path: '/api/ci/pipelines/validate',
    body: { yaml_content: yaml },
    repeatable: true,
  };
  return (await api.read(request, validation)).value;
}

/**
 * Makes the pipeline of a name be what the YAML says: a new one, a new version of the one that
 * there is, or nothing where it is that already. Of any number that do this at once, one creates
 * and the others find it.
 *
 * @throws CommandError when several pipelines have the name, or somebody else changes it at this
 *   moment
 */
export async function applyYaml(api: ApiClient, yaml: string, name: string): Promise<Applied> {
  return (await applyToNamed(api, yaml, name)) ?? create(api, yaml, name);
}

/**
 * Makes one pipeline be what the YAML says, whatever the name in it. @throws CommandError as
 * `applyYaml`
 */
export async function applyYamlTo(api: ApiClient, yaml: string, id: string): Promise<Applied> {
  const path = `/api/ci/pipelines/${id}`;
  for (let tries = 1; ; tries++) {
    const { value: before, answer } = await api.read({ method: 'GET', path }, wholePipeline);
    const etag = answer.header('etag');
    try {
      const saved = await api.read(
        {
          method: 'PUT',
          path,
          body: { yaml_content: yaml },
          headers: etag === undefined ? {} : { 'if-match': etag },
          repeatable: true,
        },
        savedPipeline,
      );
      const action = saved.value.version === before.version ? 'unchanged' : 'updated';
      return { action, saved };
    } catch (error) {
      if (!isRefusal(error, 409) || tries >= MAX_TRIES) throw error;
      // Who stored the same is no rival: of our own request the answer may have been lost.
      const stored = await api.text({ method: 'GET', path: `${path}/yaml` }, 'text/yaml');
      if (stored.text !== yaml) throw changedMeanwhile(before.name, id);
    }
  }
}

async function applyToNamed(
  api: ApiClient,
  yaml: string,
  name: string,
): Promise<Applied | undefined> {
  const found = await pipelinesNamed(api, name);
  const [only] = found;
  if (found.length > 1) {
    throw new CommandError(`There are ${found.length} pipelines "${name}".`, exitCodes.usage, [
      'Say which one is meant, by --pipeline ID:',
      ...pipelineLines(found),
    ]);
  }
  return only && applyYamlTo(api, yaml, only.id);
}

/**
 * There is no pipeline of the name. Whoever finds that at the same moment sends the same
 * `Idempotency-Key`, of which the server takes one. A key whose pipeline is deleted or renamed
 * again is used up; the next one is made from its number.
 */
async function create(api: ApiClient, yaml: string, name: string): Promise<Applied> {
  const digest = createHash('sha256').update(name, 'utf8').digest('hex').slice(0, 32);
  for (let number = 0; number <= MAX_KEYS; number++) {
    const key = number === MAX_KEYS ? uuidV7() : `apply-${digest}-${number}`;
    const saved = await createUnder(api, yaml, key);
    if (saved && saved.answer.header('idempotency-replayed') === undefined) {
      return { action: 'created', saved };
    }
    const others = saved ? await applyToNamed(api, yaml, name) : await lookFor(api, yaml, name);
    if (others) return others;
  }
  throw changedMeanwhile(name);
}

/**
 * The pipeline that was created under a key, now or before; `undefined` when that was with another
 * text.
 */
async function createUnder(
  api: ApiClient,
  yaml: string,
  key: string,
): Promise<Read<SavedPipeline> | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return await api.read(
        {
          method: 'POST',
          path: '/api/ci/pipelines',
          body: { yaml_content: yaml },
          headers: { 'idempotency-key': key },
          repeatable: true,
        },
        savedPipeline,
      );
    } catch (error) {
      if (isRefusal(error, 422)) return undefined;
      // The first request with the key is still under way.
      if (!isRefusal(error, 409) || tries >= MAX_TRIES) throw error;
      await sleep((error.retryAfterSeconds ?? 1) * 1_000);
    }
  }
}

/**
 * What somebody else creates at this moment from another text: it is there in a moment, or the key
 * is an old one.
 */
async function lookFor(api: ApiClient, yaml: string, name: string): Promise<Applied | undefined> {
  for (let looks = 1; ; looks++) {
    const applied = await applyToNamed(api, yaml, name);
    if (applied || looks === LOOKS) return applied;
    await sleep(LOOK_PAUSE_MS);
  }
}

/** Whether the server has refused a request with this status. */
export function isRefusal(error: unknown, status: number): error is RefusedError {
  return error instanceof RefusedError && error.status === status;
}

function changedMeanwhile(name: string, id?: string): CommandError {
  const look = id === undefined ? 'pipelines' : `pipelines yaml ${id}`;
  return new CommandError(
    `Somebody else changes the pipeline "${name}" at this moment.`,
    exitCodes.failed,
    [`See what it is now (./millrace ${look}), and apply again.`],
  );
}
