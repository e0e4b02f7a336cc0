import type { Reason } from '../../engine/plan/run-state.js';

export function imageGone(image: string): Reason {
  const message = `the image ${image} was removed before it could be kept`;
  return { code: 'image_missing', message };
}
