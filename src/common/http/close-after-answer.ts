import type { Response } from 'express';
import type { MillraceRequest } from './request-context.js';

/** How long a client that still sends gets to read the answer before its connection is cut. */
const lingerMs = 2_000;

/**
 * Ends the connection once the answer is out, because the rest of the body is not wanted. What still comes is read
 * and thrown away for a moment: a connection that is cut at once loses the answer on its way to the client.
 */
export function closeAfterAnswer(request: MillraceRequest, response: Response): void {
  if (request.closing || request.complete) return;
  request.closing = true;
  response.setHeader('Connection', 'close');
  response.once('finish', () => {
    request.resume();
    const timer = setTimeout(() => request.destroy(), lingerMs);
    timer.unref();
    request.once('close', () => clearTimeout(timer));
  });
}
