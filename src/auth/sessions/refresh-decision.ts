import type { SessionDocument } from './session.schema.js';

/** How long a refresh token that was exchanged gives the same answer again, ms. */
export const RACE_MS = 10_000;

/** What an exchange of a refresh token comes to. */
export type RefreshDecision =
  /** The token is the one that is good now. */
  | { readonly kind: 'rotate' }
  /** It was exchanged a moment ago: the same successor, as of the same time. */
  | { readonly kind: 'race'; readonly generation: number; readonly at: Date }
  /** It was exchanged longer ago: whoever sends it has it from somebody else. */
  | { readonly kind: 'reuse' }
  /** The session is over, or no such token was given out yet. */
  | { readonly kind: 'over' };

type Seen = Pick<SessionDocument, 'kind' | 'generation' | 'rotations' | 'ended_at' | 'expires_at'>;

/** @param generation of the token that was sent; that it is genuine is known */
export function decideRefresh(session: Seen, generation: number, now: number): RefreshDecision {
  if (session.kind !== 'client' || session.ended_at !== null) return { kind: 'over' };
  if (session.expires_at.getTime() <= now || generation > session.generation) {
    return { kind: 'over' };
  }
  if (generation === session.generation) return { kind: 'rotate' };
  const used = session.rotations.find((each) => each.generation === generation);
  if (used === undefined || now - used.at.getTime() > RACE_MS) return { kind: 'reuse' };
  return { kind: 'race', generation: generation + 1, at: used.at };
}

/** The exchanges that may still be repeated, with a new one. */
export function rotationsWith(
  { rotations }: Pick<SessionDocument, 'rotations'>,
  generation: number,
  at: Date,
): SessionDocument['rotations'] {
  const lately = rotations.filter((each) => at.getTime() - each.at.getTime() <= RACE_MS);
  return [...lately.slice(-MAX_ROTATIONS), { generation, at }];
}

/** Nobody exchanges so often; who does is not given the same answers. */
const MAX_ROTATIONS = 20;
