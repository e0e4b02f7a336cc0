import type { Collection, Connection, Model } from 'mongoose';
import { standIn } from '../../../test/support/stand-in.js';
import { artifact } from './artifact.fixture.js';
import type { ArtifactDocument } from './artifact.schema.js';
import { ArtifactsRepository } from './artifacts.repository.js';

/** Of a database that is away. */
function awayModel(): Model<ArtifactDocument> {
  const away = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
  const collection = standIn<Collection>({
    insertMany: () => Promise.reject(away),
    aggregate: () => {
      throw away;
    },
  });
  const db = standIn<Connection>({ collection: () => collection as never });
  return { db, collection: { name: 'artifacts' } } as unknown as Model<ArtifactDocument>;
}

it('waits for a database that is away no longer than the signal says', async () => {
  const artifacts = new ArtifactsRepository(awayModel());
  const signal = AbortSignal.timeout(30);
  await expect(artifacts.insert([artifact({})], signal)).rejects.toThrow('EPIPE');
  await expect(artifacts.bytesOf('e', AbortSignal.timeout(30))).rejects.toThrow('EPIPE');
});
