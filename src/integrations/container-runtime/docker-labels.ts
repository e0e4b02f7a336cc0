import { readFileSync, readlinkSync } from 'node:fs';
import { readStartTicks } from '../../common/child-process/process-stat.js';

/** Labels of what this installation makes on an engine. */
export const LABELS = {
  /** Of all: which installation. */
  installation: 'millrace.installation',
  /** Of all: the process that made it. */
  owner: 'millrace.owner',
  /** The execution attempt. */
  group: 'millrace.group',
} as const;

/**
 * Labels of images that this installation builds. None of `LABELS`: a container has the labels of
 * its image, and whoever runs one elsewhere must not lose it to us.
 */
export const BUILT_LABELS = {
  installation: 'millrace.built-in',
  /** The process that built it. */
  owner: 'millrace.built-by',
  /** The execution attempt. */
  group: 'millrace.built-for',
} as const;

/** Names a process of this machine for good: `<boot>:<pid namespace>:<pid>:<start ticks>`. */
export function ownerLabel(pid: number): string {
  return `${machine()}:${pid}:${readStartTicks(pid) ?? 0}`;
}

/**
 * Whether the process of a label is surely no more: this boot of this machine knows it no longer.
 * Of another machine's, or of another container's, nobody here can tell.
 */
export function isGone(label: string): boolean {
  const [boot, namespace, pid, startTicks] = label.split(':');
  if (`${boot}:${namespace}` !== machine()) return false;
  return readStartTicks(Number(pid)) !== Number(startTicks);
}

/** No container of ours that only looks into an image is there for so long, ms. */
const LOOK_MS = 3_600_000;

/**
 * Whether a container is of no attempt, and older than any such is: whatever process made it,
 * nobody will remove it.
 */
export function isForgotten(labels: Readonly<Record<string, string>>, ageMs: number): boolean {
  return !(LABELS.group in labels) && ageMs > LOOK_MS;
}

/** The boot of this machine, and the processes among which a pid has its meaning. */
function machine(): string {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
  return `${boot}:${namespace}`;
}
