import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import type { Response } from 'express';
import { validationError, type MillraceError } from '../errors/millrace.error.js';
import type { MillraceRequest } from './request-context.js';
import { MayBeAbsent } from './may-be-absent.decorator.js';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** `?limit=&cursor=` of a list; DTOs of lists with filters extend it. */
export class PageQuery {
  @ApiPropertyOptional({
    type: 'integer',
    description: 'Items on one page.',
    minimum: 1,
    maximum: MAX_PAGE_SIZE,
    default: DEFAULT_PAGE_SIZE,
  })
  @MayBeAbsent()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_SIZE)
  limit?: number;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before.' })
  @MayBeAbsent()
  @IsString()
  @MaxLength(500)
  cursor?: string;
}

/** What a repository needs to read one page. */
export interface PageRequest {
  readonly limit: number;
  /** Sort key of the last item of the page before. */
  readonly after?: string;
}

/** One page as a repository gives it. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Sort key of the last item when more follow. */
  readonly next?: string;
}

/**
 * A page with more items than asked for tells that there is a next one: repositories read `limit +
 * 1`.
 */
export function pageOf<T>(
  rows: readonly T[],
  limit: number,
  sortKey: (item: T) => string,
): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: sortKey(last) } : { items };
}

/** @throws ValidationError when the cursor is not one of ours */
export function pageRequest(query: PageQuery): PageRequest {
  const limit = query.limit ?? DEFAULT_PAGE_SIZE;
  return query.cursor === undefined ? { limit } : { limit, after: decodeCursor(query.cursor) };
}

/** Cursors are opaque: clients hand them back and read nothing from them. */
export function encodeCursor(sortKey: string): string {
  return Buffer.from(`1:${sortKey}`, 'utf8').toString('base64url');
}

export function decodeCursor(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const known = text.length > 2 && text.startsWith('1:') && encodeCursor(text.slice(2)) === cursor;
  if (!known) throw invalidCursor();
  return text.slice(2);
}

/** Also for a cursor of another list. */
export function invalidCursor(): MillraceError {
  return validationError('The cursor is not valid.', {
    details: [{ path: 'cursor', code: 'cursor', message: 'cursor must be a next_cursor' }],
    suggestions: ['Use `next_cursor` of the page before as it is, or leave it out to begin again.'],
  });
}

/** Body of one page. */
export interface PageBody<T> {
  readonly items: readonly T[];
  /** `null` on the last page. */
  readonly next_cursor: string | null;
}

/** Body of a list: the page, or the bare array of the seed. */
export type ListBody<T> = readonly T[] | PageBody<T>;

export function pageBody<T>(page: Page<T>): PageBody<T> {
  const next_cursor = page.next === undefined ? null : encodeCursor(page.next);
  return { items: page.items, next_cursor };
}

/**
 * Answers a list. Without `limit` and `cursor` the seed's bare array is kept, and the way to the
 * next page is in the `Link` header (RFC 8288).
 */
export function listBody<T>(
  page: Page<T>,
  query: PageQuery,
  request: MillraceRequest,
  response: Response,
): ListBody<T> {
  const body = pageBody(page);
  if (query.limit !== undefined || query.cursor !== undefined) return body;
  if (body.next_cursor !== null) {
    const url = new URL(request.originalUrl, 'http://relative');
    url.searchParams.set('limit', String(DEFAULT_PAGE_SIZE));
    url.searchParams.set('cursor', body.next_cursor);
    response.setHeader('Link', `<${url.pathname}${url.search}>; rel="next"`);
  }
  return page.items;
}
