import type Docker from 'dockerode';
import type { Readable } from 'node:stream';
import { shownSize } from '../../common/values/shown-size.js';
import type { ImageRefusal, ImageRequest } from './container-runtime.js';
import { asked, saidBy, statusOf } from './docker-errors.js';
import { eventsOf } from './docker-lines.js';

/** For one pull, ms. */
const PULL_MS = 600_000;
/** Without anything new from the engine, ms. */
const STALL_MS = 120_000;
/** Between two lines of progress, ms. */
const TELL_MS = 5_000;

interface PullEvent {
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

export interface PullLimits {
  readonly pullMs: number;
  readonly stallMs: number;
  readonly tellMs: number;
}

const LIMITS: PullLimits = { pullMs: PULL_MS, stallMs: STALL_MS, tellMs: TELL_MS };

/**
 * Pulls an image; undefined when the engine has said all of it without an error. The engine stops
 * to pull when the connection ends.
 *
 * @throws the signal's reason, EngineAwayError
 */
export function pullImage(
  docker: Docker,
  request: ImageRequest,
  onProgress: (line: string) => void,
  signal: AbortSignal,
  limits: PullLimits = LIMITS,
): Promise<ImageRefusal | undefined> {
  return new Pull(request, onProgress, limits).run(docker, signal);
}

/** One pull, as the engine tells of it. */
class Pull {
  private readonly layers = new Map<string, { current: number; total: number }>();
  private readonly end = new AbortController();
  private refusal: ImageRefusal | undefined;
  private toldAt = performance.now();
  private stall: NodeJS.Timeout | undefined;

  constructor(
    private readonly request: ImageRequest,
    private readonly onProgress: (line: string) => void,
    private readonly limits: PullLimits,
  ) {}

  async run(docker: Docker, signal: AbortSignal): Promise<ImageRefusal | undefined> {
    const stop = (): void => this.end.abort();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    const whole = setTimeout(() => this.giveUp(this.limits.pullMs), this.limits.pullMs);
    this.watch();
    try {
      await this.follow(await this.begin(docker));
    } catch (error) {
      if (!this.end.signal.aborted) {
        if (statusOf(error) === undefined) throw error;
        this.refusal = refusalOf(saidBy(error), this.request);
      }
    } finally {
      clearTimeout(whole);
      clearTimeout(this.stall);
      signal.removeEventListener('abort', stop);
    }
    signal.throwIfAborted();
    return this.refusal;
  }

  /** The engine answers once the registry has. */
  private async begin(docker: Docker): Promise<Readable> {
    const { reference, platform, login } = this.request;
    return (await asked(
      docker.pull(reference, {
        abortSignal: this.end.signal,
        ...(platform !== undefined && { platform }),
        ...(login && { authconfig: { ...login, serveraddress: reference.split('/')[0] ?? '' } }),
      }),
      // The signal ends it before.
      2 * this.limits.pullMs,
    )) as Readable;
  }

  private async follow(stream: Readable): Promise<void> {
    const stop = (): void => void stream.destroy();
    if (this.end.signal.aborted) stop();
    this.end.signal.addEventListener('abort', stop, { once: true });
    for await (const event of eventsOf<PullEvent>(stream)) this.hear(event);
  }

  private watch(): void {
    clearTimeout(this.stall);
    this.stall = setTimeout(() => this.giveUp(this.limits.stallMs), this.limits.stallMs);
  }

  private giveUp(ms: number): void {
    const what = ms === this.limits.stallMs ? 'made no progress' : 'did not end';
    const message = `the pull of ${this.request.reference} ${what} within ${ms / 1000} s`;
    this.refusal ??= { code: 'pull_stalled', message };
    this.end.abort();
  }

  private hear({ status, id, error, progressDetail }: PullEvent): void {
    if (error !== undefined) {
      this.refusal ??= refusalOf(error, this.request);
      return;
    }
    const { current = 0, total = 0 } = progressDetail ?? {};
    const before = this.layers.get(id ?? '');
    if (id !== undefined && status === 'Downloading') this.layers.set(id, { current, total });
    // A layer that is written out says so again and again: that is progress, too.
    if (status !== 'Waiting' && before?.current !== (current || undefined)) this.watch();
    this.tell();
  }

  private tell(): void {
    const now = performance.now();
    if (now - this.toldAt < this.limits.tellMs) return;
    this.toldAt = now;
    const parts = [...this.layers.values()];
    const sum = (key: 'current' | 'total') => parts.reduce((all, part) => all + part[key], 0);
    this.onProgress(
      `pulling ${this.request.reference}: ${shownSize(sum('current'))} of ${shownSize(sum('total'))}`,
    );
  }
}

/** The engines have no codes for it: what they say is all there is. */
export function refusalOf(
  said: string,
  { reference, platform }: Pick<ImageRequest, 'reference' | 'platform'>,
): ImageRefusal {
  if (
    /no matching manifest|does not match the specified platform|image operating system/i.test(said)
  ) {
    const wanted = platform === undefined ? 'this engine' : platform;
    return {
      code: 'image_platform',
      message: `${reference} has no variant for ${wanted}: ${said}`,
    };
  }
  if (/unauthorized|authentication required|no basic auth|denied/i.test(said)) {
    return {
      code: 'image_unauthorized',
      message: `the registry does not give ${reference}: ${said}`,
    };
  }
  if (/not found|manifest unknown|no such image|name unknown/i.test(said)) {
    return { code: 'image_missing', message: `there is no image ${reference}: ${said}` };
  }
  return { code: 'pull_failed', message: `${reference} cannot be pulled: ${said}` };
}
