import type { Response } from 'express';
import { defaultLingerLimits, lingerThenClose, type LingerLimits } from './linger.js';
import type { MillraceRequest } from './request-context.js';

/**
 * Ends the connection with the answer, because the rest of the body is not wanted. The answer goes
 * out at once, for clients that read while they write; those that write everything first find it
 * behind their last byte.
 */
export function closeAfterAnswer(
  request: MillraceRequest,
  response: Response,
  limits: LingerLimits = defaultLingerLimits,
): void {
  if (request.closing || request.complete) return;
  request.closing = true;
  response.setHeader('Connection', 'close');
  const { socket } = request;
  const destroySoon = socket.destroySoon.bind(socket);
  // Node calls this when an answer with `Connection: close` is out, and its own destroys the
  // socket, whatever still comes.
  socket.destroySoon = () => lingerThenClose(socket, limits, destroySoon);
}
