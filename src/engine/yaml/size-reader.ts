import { quoted } from '../../common/values/redact-urls.js';
import { shownSize } from '../../common/values/shown-size.js';
import { either } from './json-schema.js';
import { wrongType, type Reader } from './reader.js';

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1024],
  ['m', 1024 ** 2],
  ['g', 1024 ** 3],
  ['t', 1024 ** 4],
]);

const SIZE = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)([kmgtKMGT]?)(?:[iI]?[bB])?$/;

/** Bytes of `512m`, `2g`, `1.5GiB`, `1048576`; units are powers of 1024. Undefined: no size. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = SIZE.exec(text) ?? [];
  const factor = UNITS.get(unit?.toLowerCase() ?? '');
  return amount === undefined || factor === undefined
    ? undefined
    : Math.floor(Number(amount) * factor);
}

/** An amount of memory or disk between two bounds, included; the value is bytes. */
export function size(min: number, max: number): Reader<number> {
  const expects = 'a size (like "512m" or "2g")';
  return {
    expects,
    schema: either(
      // A part of a byte does not count.
      { type: 'number', minimum: min, maximum: max + 1 },
      { type: 'string', pattern: SIZE.source },
    ),
    read: (node, path, context) => {
      if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean') {
        return wrongType(node, path, context, expects);
      }
      const bytes = parseSize(node.text);
      const at = { path, offset: node.start };
      if (bytes === undefined) {
        const message = `"${quoted(node.text, 40)}" is no size.`;
        context.error('invalid_size', message, at, 'Write "512m", "2g" or a number of bytes');
        return undefined;
      }
      if (bytes >= min && bytes <= max) return bytes;
      const bounds = `from ${shownSize(min)} to ${shownSize(max)}`;
      const found = /^[0-9.]+$/.test(node.text) ? `${node.text} bytes` : node.text;
      // A number alone is bytes, where megabytes were meant.
      const hint = bytes < min ? `Write ${written(min)} or more, with its unit` : undefined;
      context.error('out_of_range', `Expected a size ${bounds}, found ${found}.`, at, hint);
      return undefined;
    },
  };
}

/** As it stands in a file: `6m`. */
function written(bytes: number): string {
  const [letter, factor] = [...UNITS].findLast(([, one]) => bytes % one === 0) ?? ['', 1];
  return `${bytes / factor}${letter}`;
}
