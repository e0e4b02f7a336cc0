import { objectKey } from '../../integrations/object-store/object-key.js';
import type { Artifact } from './artifact.js';

/** An artifact, for tests. */
export function artifact(parts: Partial<Artifact>): Artifact {
  return {
    executionId: '019a0000-0000-7000-8000-000000000001',
    pipelineId: '019a0000-0000-7000-8000-000000000002',
    stage: 'build',
    step: 'pack',
    executionAttempt: 1,
    attempt: 1,
    name: 'pack',
    path: 'dist/app.js',
    size: 7,
    digest: 'ab'.repeat(32),
    mode: 0o644,
    objectKey: objectKey('artifacts', 'a'),
    offset: 512,
    createdAt: new Date('2026-01-02T03:04:05.678Z'),
    ...parts,
  };
}
