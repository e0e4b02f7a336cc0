import type { ServerResponse } from 'node:http';

/** A client that takes nothing for so long is disconnected; it resumes where it was. */
const DEFAULT_STALL_MS = 30_000;

/**
 * Writes to a response no faster than the client reads: what waits in memory is one piece and the
 * socket's buffer.
 */
export class ResponseStream {
  constructor(
    private readonly response: ServerResponse,
    private readonly stallMs = DEFAULT_STALL_MS,
  ) {
    // A write may fail after the client left; `closed` says it.
    response.on('error', () => undefined);
  }

  /** True when the client has left or the response was ended. */
  get closed(): boolean {
    return this.response.destroyed || this.response.closed || this.response.writableEnded;
  }

  /**
   * Resolves when more may be written: true; false when the client has left or took nothing for too
   * long.
   *
   * @param sent called when nobody reads the memory of `piece` any more; never, if it was not sent
   */
  async write(piece: string | Buffer, sent?: () => void): Promise<boolean> {
    if (this.closed) return false;
    const isRoom = this.response.write(piece, (error) => {
      if (!error) sent?.();
    });
    return isRoom || this.drained();
  }

  /** Ends the response. */
  end(): void {
    if (!this.closed) this.response.end();
  }

  /** Breaks the connection, so that the client sees that the response is not whole. */
  destroy(): void {
    this.response.destroy();
  }

  /** Calls back once when the client leaves. */
  onClose(callback: () => void): void {
    this.response.once('close', callback);
  }

  private drained(): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (alive: boolean): void => {
        clearTimeout(timer);
        this.response.off('drain', onDrain);
        this.response.off('close', onClose);
        resolve(alive);
      };
      const onDrain = (): void => settle(true);
      const onClose = (): void => settle(false);
      const timer = setTimeout(() => {
        this.response.destroy();
        settle(false);
      }, this.stallMs);
      this.response.once('drain', onDrain);
      this.response.once('close', onClose);
    });
  }
}
