import type { PortSpan } from '../../config/value-parsers.js';

/** `32768\t60999` of `ip_local_port_range`; undefined when it is none. */
export function parsePortRange(text: string): PortSpan | undefined {
  const [, from, to] = /^\s*(\d{1,5})\s+(\d{1,5})\s*$/.exec(text) ?? [];
  return from === undefined ? undefined : { from: Number(from), to: Number(to) };
}

/** `8080,9000-9010` of `ip_local_reserved_ports`. */
export function parsePortList(text: string): PortSpan[] {
  return [...text.matchAll(/(\d{1,5})(?:-(\d{1,5}))?/g)]
    .map(([, from, to = from]) => ({ from: Number(from), to: Number(to) }))
    .sort((a, b) => a.from - b.from);
}

/** What is left of a span. @param taken in order of their beginnings */
export function without(span: PortSpan, taken: readonly PortSpan[]): PortSpan[] {
  const left: PortSpan[] = [];
  let from = span.from;
  for (const each of taken) {
    if (each.to < from) continue;
    if (each.from > span.to) break;
    if (each.from > from) left.push({ from, to: each.from - 1 });
    from = each.to + 1;
  }
  return from > span.to ? left : [...left, { from, to: span.to }];
}

/** What a span has in common with others. */
export function common(span: PortSpan, others: readonly PortSpan[]): PortSpan[] {
  return others
    .map(({ from, to }) => ({ from: Math.max(from, span.from), to: Math.min(to, span.to) }))
    .filter(({ from, to }) => from <= to);
}

/** Every port of the spans. */
export function portsOf(spans: readonly PortSpan[]): number[] {
  return spans.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n));
}
