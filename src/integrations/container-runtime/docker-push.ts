import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { isBuiltName } from './built-images.js';
import { asked, orGone, saidBy, statusOf } from './docker-errors.js';
import { eventsOf } from './docker-lines.js';
import { isOf } from './find-image.js';
import type { PushRequest, PushResult } from './image-builder.js';

/** Without anything new from the engine, ms. */
const STALL_MS = 120_000;
/** Between two lines of progress, ms. */
const TELL_MS = 5_000;
/** Workers that share an engine may push to one name at a time. */
const MAX_TRIES = 6;
const MAX_PAUSE_MS = 1_000;
/** Of a name that another worker has taken back. */
const NAME_GONE = /does not exist|no such image/i;
/** Engines refuse a push without a log-in header, whatever is in it. */
const NOBODY = {};

interface PushEvent {
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number };
  readonly aux?: { readonly Digest?: string };
}

/**
 * Pushes an image, and asks the registry whether it has what the engine said. The engine stops when
 * the connection ends.
 *
 * @throws the signal's reason, EngineAwayError
 */
export async function pushImage(
  docker: Docker,
  request: PushRequest,
  onProgress: (line: string) => void,
  signal: AbortSignal,
  stallMs = STALL_MS,
): Promise<PushResult> {
  for (let tries = 1; ; tries += 1) {
    const result = await pushOnce(docker, request, onProgress, signal, stallMs);
    if (result !== 'another') return result;
    if (tries === MAX_TRIES) {
      return refusalOf(request.reference, 'others have pushed to this name all the while');
    }
    await delay(Math.random() * MAX_PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** `another`: what was pushed is somebody else's image, who gave it the name meanwhile. */
async function pushOnce(
  docker: Docker,
  { image, reference, login }: PushRequest,
  onProgress: (line: string) => void,
  signal: AbortSignal,
  stallMs: number,
): Promise<PushResult | 'another'> {
  const authconfig = login ? { ...login, serveraddress: hostOf(reference) } : NOBODY;
  const end = new AbortController();
  const stop = (): void => end.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  let giveBack = (): Promise<void> => Promise.resolve();
  try {
    signal.throwIfAborted();
    giveBack = await lendName(docker, image, reference);
    const { digest, error } = await push(docker, reference, authconfig, end, onProgress, stallMs);
    signal.throwIfAborted();
    if (digest === undefined && NAME_GONE.test(error ?? '')) return 'another';
    if (digest === undefined) return refusalOf(reference, error ?? 'the engine told no digest');
    if (!(await isDigestOf(docker, image, reference, digest))) return 'another';
    return await verified(docker, reference, digest, authconfig);
  } catch (error) {
    signal.throwIfAborted();
    if (statusOf(error) === undefined) throw error;
    return refusalOf(reference, saidBy(error));
  } finally {
    signal.removeEventListener('abort', stop);
    await giveBack();
  }
}

/** What the engine noted of the push of this very image. */
async function isDigestOf(
  docker: Docker,
  image: string,
  reference: string,
  digest: string,
): Promise<boolean> {
  const { RepoDigests: digests } = await asked(docker.getImage(image).inspect());
  return digests?.some((one) => one.endsWith(`@${digest}`) && isOf(one, reference)) === true;
}

/**
 * Gives the image the name under which engines push; returns what gives that back to whatever had
 * it before.
 */
async function lendName(
  docker: Docker,
  image: string,
  reference: string,
): Promise<() => Promise<void>> {
  const { repository: repo, tag } = partsOf(reference);
  const before = await orGone(docker.getImage(reference).inspect());
  await asked(docker.getImage(image).tag({ repo, tag }));
  // Of two that push to one name, the later has found what the earlier one lent.
  const isLent = before?.RepoTags?.some(isBuiltName) === true;
  return async () => {
    if (before === undefined || isLent) await orGone(docker.getImage(reference).remove());
    else await orGone(docker.getImage(before.Id).tag({ repo, tag }));
  };
}

async function push(
  docker: Docker,
  reference: string,
  authconfig: object,
  end: AbortController,
  onProgress: (line: string) => void,
  stallMs: number,
): Promise<{ readonly digest?: string; readonly error?: string }> {
  const { repository, tag } = partsOf(reference);
  let digest: string | undefined;
  let error: string | undefined;
  let toldAt = performance.now();
  const giveUp = (): void => {
    error ??= `it made no progress within ${stallMs / 1000} s`;
    end.abort();
  };
  let stall = setTimeout(giveUp, stallMs);
  try {
    const stream = (await asked(
      docker.getImage(repository).push({ tag, authconfig, abortSignal: end.signal }),
    )) as Readable;
    end.signal.addEventListener('abort', () => stream.destroy(), { once: true });
    for await (const event of eventsOf<PushEvent>(stream)) {
      digest = event.aux?.Digest ?? digest;
      error ??= event.error;
      clearTimeout(stall);
      stall = setTimeout(giveUp, stallMs);
      if (performance.now() - toldAt < TELL_MS) continue;
      toldAt = performance.now();
      onProgress(`pushing ${reference}: ${event.status ?? ''} ${event.id ?? ''}`.trimEnd());
    }
  } catch (failure) {
    // Of an end that we made: the caller knows which.
    if (!end.signal.aborted) throw failure;
  } finally {
    clearTimeout(stall);
  }
  return { ...(error === undefined ? { digest } : { error }) };
}

/** What the registry has under the name; another push may have moved the tag meanwhile. */
async function verified(
  docker: Docker,
  reference: string,
  digest: string,
  authconfig: object,
): Promise<PushResult> {
  const { repository } = partsOf(reference);
  for (const name of [reference, `${repository}@${digest}`]) {
    const image = docker.getImage(name);
    const found = await asked(
      image.distribution({ authconfig } as Docker.ImageDistributionOptions),
    ).catch((error: unknown) => {
      // Podman has no such question: what it has noted of the push counts.
      if (statusOf(error) === 404) return undefined;
      throw error;
    });
    if (found === undefined || found.Descriptor.digest === digest)
      return { kind: 'pushed', digest };
  }
  return refusalOf(reference, `the registry does not have ${digest}, which was pushed`);
}

function partsOf(reference: string): { readonly repository: string; readonly tag: string } {
  const [, repository = reference, tag = 'latest'] = /^(.*):([^:/]+)$/.exec(reference) ?? [];
  return { repository, tag };
}

function hostOf(reference: string): string {
  return reference.split('/')[0] ?? '';
}

/** The engines have no codes for it: what they say is all there is. */
export function refusalOf(reference: string, said: string): PushResult {
  if (/unauthorized|authentication required|no basic auth|denied/i.test(said)) {
    const message = `the registry does not take ${reference}: ${said}`;
    return { kind: 'refused', code: 'image_unauthorized', message };
  }
  return {
    kind: 'refused',
    code: 'push_failed',
    message: `${reference} cannot be pushed: ${said}`,
  };
}
