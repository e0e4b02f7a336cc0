import { createHash } from 'node:crypto';
import { valueOf } from '../../common/values/name-record.js';
import type { RunStatus } from '../../engine/plan/run-state.js';

/**
 * What a badge says: how the last execution ended, that none did, or that there is no such
 * pipeline.
 */
export type BadgeState = RunStatus | 'no_runs' | 'unknown';

export interface Badge {
  readonly svg: string;
  /** Strong `ETag` of the text. */
  readonly tag: string;
}

const LOOKS: Readonly<Record<BadgeState, readonly [text: string, color: string]>> = {
  success: ['passing', '#2da44e'],
  failed: ['failed', '#cf222e'],
  timeout: ['timed out', '#cf222e'],
  cancelled: ['cancelled', '#6e7781'],
  skipped: ['skipped', '#6e7781'],
  running: ['running', '#0969da'],
  pending: ['pending', '#0969da'],
  waiting: ['waiting', '#0969da'],
  no_runs: ['no runs', '#6e7781'],
  unknown: ['unknown', '#6e7781'],
};

const HEIGHT = 20;
const PADDING = 6;
/** Of a letter of Verdana at 11 px, on average; `textLength` makes the text as wide as that. */
const LETTER_WIDTH = 6.6;
const FONT = 'Verdana,DejaVu Sans,Geneva,sans-serif';

/**
 * A badge as SVG 1.1: shapes and text by attributes alone, so that the strictest content security
 * policy shows it. Pure.
 */
export function drawBadge(label: string, state: BadgeState): Badge {
  const [text, color] = LOOKS[state];
  const left = widthOf(label);
  const right = widthOf(text);
  const name = escapeXml(`${label}: ${text}`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${HEIGHT}" role="img" aria-label="${name}"><title>${name}</title>${box(0, left, '#424a53')}${box(left, right, color)}<g fill="#fff" text-anchor="middle" font-family="${FONT}" font-size="11">${words(label, 0, left)}${words(text, left, right)}</g></svg>\n`;
  return { svg, tag: `"${createHash('sha256').update(svg).digest('base64url').slice(0, 22)}"` };
}

function widthOf(text: string): number {
  return Math.round([...text].length * LETTER_WIDTH) + 2 * PADDING;
}

function box(x: number, width: number, color: string): string {
  return `<rect x="${x}" width="${width}" height="${HEIGHT}" fill="${color}"/>`;
}

function words(text: string, x: number, width: number): string {
  const length = width - 2 * PADDING;
  return `<text x="${x + width / 2}" y="14" textLength="${length}">${escapeXml(text)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Also leaves out what XML 1.0 cannot hold: control characters, lone surrogates, U+FFFE and U+FFFF.
 */
function escapeXml(text: string): string {
  return text

    .replace(/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|\p{Surrogate}/gu, '')
    .replace(/[&<>"']/g, (character) => valueOf(ENTITIES, character) ?? '');
}
