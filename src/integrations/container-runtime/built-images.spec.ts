import { isOnlyBuilt } from './built-images.js';

const ours = { 'millrace.built-in': 'i' };
const DIGEST = 'registry.example/app@sha256:1';
const image = (labels: Record<string, string> | null, ...digests: readonly string[]) => ({
  RepoDigests: [...digests],
  Config: { Labels: labels },
});
const isOf = (digest: string): boolean => digest.startsWith('registry.example/app@');

describe('isOnlyBuilt', () => {
  it.each([
    [true, image(ours)],
    // It was pushed, but under another name: that says nothing of this one.
    [true, image(ours, 'evil.example/app@sha256:1')],
    [false, image(ours, DIGEST)],
    // Of the operator, or of an older release.
    [false, image({})],
    [false, image(null)],
    [false, image(null, DIGEST)],
  ])('%s for %j', (is, one) => expect(isOnlyBuilt(one, isOf)).toBe(is));
});
