/** What colours text at one place of a line: by the kind of it, the parameter that sets it. */
export type ColourState = ReadonlyMap<Kind, string>;

export const PLAIN: ColourState = new Map();

type Kind = (typeof KINDS)[number];

/** Parameters of SGR (ECMA-48) that set the same, and the one that ends it. */
const KINDS = [
  { on: [1], off: 22 },
  { on: [2], off: 22 },
  { on: [3], off: 23 },
  { on: [4, 21], off: 24 },
  { on: [5, 6], off: 25 },
  { on: [7], off: 27 },
  { on: [8], off: 28 },
  { on: [9], off: 29 },
  { on: [...tenFrom(30).slice(0, 9), ...tenFrom(90).slice(0, 8)], off: 39 },
  { on: [...tenFrom(40).slice(0, 9), ...tenFrom(100).slice(0, 8)], off: 49 },
  { on: [53], off: 55 },
  { on: [58], off: 59 },
] as const;
const BY_CODE: ReadonlyMap<number, Kind> = new Map(
  KINDS.flatMap((kind) => kind.on.map((code) => [code, kind] as const)),
);
/** How many parameters follow `38`, `48` or `58`: a number of a palette, or red, green, blue. */
const FOLLOWING: ReadonlyMap<string, number> = new Map([
  ['5', 2],
  ['2', 4],
]);
const MAX_CODE = 107;
/** Characters of a parameter, with those that follow it; the longest that means anything has 22. */
const MAX_PARAMETER = 32;

function tenFrom(first: number): number[] {
  return Array.from({ length: 10 }, (_, index) => first + index);
}

/** What a sequence (SGR) makes of what was set before; of a bounded size, however many came. */
export function coloured(before: ColourState, sequence: string): ColourState {
  const state = new Map(before);
  const parameters = sequence.slice(2, -1).split(';');
  for (let at = 0; at < parameters.length; at++) {
    const [first = ''] = (parameters[at] ?? '').split(':', 1);
    const extended = ['38', '48', '58'].includes(parameters[at] ?? '');
    const count = extended ? (FOLLOWING.get(parameters[at + 1] ?? '') ?? 0) : 0;
    change(state, Number(first), parameters.slice(at, at + count + 1).join(';'));
    at += count;
  }
  return state;
}

function change(state: Map<Kind, string>, code: number, parameter: string): void {
  if (code === 0) state.clear();
  if (code > MAX_CODE || parameter.length > MAX_PARAMETER) return;
  const kind = BY_CODE.get(code);
  if (kind === undefined) {
    for (const each of KINDS) if (each.off === code) state.delete(each);
  } else if (parameter === '4:0') state.delete(kind);
  else state.set(kind, parameter);
}

/** The sequence that makes one of the other: only what differs; empty where nothing does. */
export function colourChange(before: ColourState, after: ColourState): string {
  if (before === after) return '';
  const ended = new Set(
    [...before.keys()].filter((kind) => !after.has(kind)).map(({ off }) => off),
  );
  if (after.size === 0) return ended.size === 0 ? '' : '\u001b[0m';
  const set = [...after].filter(
    ([kind, parameter]) => before.get(kind) !== parameter || ended.has(kind.off),
  );
  const parameters = [...ended, ...set.map(([, parameter]) => parameter)];
  return parameters.length === 0 ? '' : `\u001b[${parameters.join(';')}m`;
}
