import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { requestTo } from './engine-ping.js';

/** For the head of the answer, ms. */
const ANSWER_MS = 5_000;
/** News of the engine itself, of which there is next to none. */
const NEWS = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ['daemon'] }))}`;

/**
 * Tells the lives of an engine apart, by a connection that ends with it. Neither its socket nor its
 * answers do so where systemd listens for it: whoever asks while it is begun again waits, and is
 * answered by the next life.
 */
export class EngineLife {
  private lives = 0;
  private held: Promise<void> | undefined;
  private request: ClientRequest | undefined;
  private isClosed = false;

  constructor(private readonly host: string) {}

  /**
   * Another number than before once the engine, or the connection to it, has ended meanwhile. Never
   * rejects. An engine that has no such news has one life.
   */
  async number(): Promise<number> {
    if (!this.isClosed) await (this.held ??= this.hold());
    return this.lives;
  }

  close(): void {
    this.isClosed = true;
    this.request?.destroy();
  }

  private hold(): Promise<void> {
    return new Promise((resolve) => {
      const { isTls, options } = requestTo(this.host);
      const send = isTls ? httpsRequest : httpRequest;
      const request = send({ ...options, path: NEWS, agent: false });
      this.request = request;
      const late = setTimeout(() => request.destroy(), ANSWER_MS);
      request.once('socket', (socket: Socket) => socket.unref());
      request.once('response', (response: IncomingMessage) => {
        clearTimeout(late);
        response.on('error', () => undefined);
        response.resume();
        if (response.statusCode === 200) response.once('close', () => this.end());
        resolve();
      });
      request.on('error', () => {
        // Whoever asks next tries again.
        this.held = undefined;
      });
      request.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      request.end();
    });
  }

  private end(): void {
    this.held = undefined;
    this.lives += 1;
  }
}
