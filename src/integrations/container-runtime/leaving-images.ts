import type Docker from 'dockerode';
import { readMarks, setMark, unsetMark } from './nothing-image.js';
import { wholeId } from './pulled-mark.js';

/** Repository of the marks, on the engine. No registry has the name. */
const LEAVING = 'millrace.invalid/leaving';
/** Who removes an image is dead when that takes longer, ms. */
const LEAVING_MS = 60_000;

/**
 * Tells all who use the engine that an image is about to be removed, while `work` looks once more
 * whether it may be, and does so. Who uses an image notes that first, and then looks whether it is
 * leaving: of the two at least one sees the other.
 */
export async function whileLeaving<T>(
  docker: Docker,
  imageId: string,
  work: () => Promise<T>,
): Promise<T> {
  const mark = `${start(imageId)}${Date.now().toString(36)}`;
  await setMark(docker, LEAVING, mark);
  try {
    return await work();
  } finally {
    await unsetMark(docker, LEAVING, mark);
  }
}

/** Whether somebody is about to remove an image; at most a minute long. */
export async function isLeaving(docker: Docker, imageId: string): Promise<boolean> {
  const marks = await readMarks(docker, LEAVING);
  return marks.some((mark) => mark.startsWith(start(imageId)) && !isDead(mark));
}

/** Takes back what the dead have said. */
export async function forgetDead(docker: Docker): Promise<void> {
  for (const mark of await readMarks(docker, LEAVING)) {
    if (isDead(mark)) await unsetMark(docker, LEAVING, mark);
  }
}

function start(imageId: string): string {
  return `${wholeId(imageId).replace('sha256:', '')}.`;
}

function isDead(mark: string): boolean {
  return Date.now() - parseInt(mark.split('.')[1] ?? '', 36) > LEAVING_MS;
}
