import type { LocalImage } from './container-runtime.js';
import {
  type BuilderProgram,
  ImageBuilder,
  type KeptImage,
  type PushRequest,
  type PushResult,
} from './image-builder.js';

/** Builds for the tests of others: knows what it is told, and remembers what it was asked. */
export class FakeImageBuilder extends ImageBuilder {
  readonly program: BuilderProgram = { name: 'fake 1', path: '/bin/fake', dialect: 'docker' };
  readonly reason = undefined;
  readonly host = 'unix:///fake.sock';
  readonly pushed: PushRequest[] = [];
  /** What `keep` was asked. */
  readonly kept: string[] = [];
  image: LocalImage = {
    id: 'sha256:id',
    digest: 'sha256:id',
    user: '',
    environment: {},
    hasProgram: true,
    ports: [],
    platform: 'linux/amd64',
  };
  kind: KeptImage['kind'] = 'kept';
  mustAsk = false;
  push = (request: PushRequest): Promise<PushResult> => {
    this.pushed.push(request);
    return Promise.resolve({ kind: 'pushed', digest: 'sha256:pushed' });
  };

  labels(group: string): Readonly<Record<string, string>> {
    return { own: group };
  }

  keep(id: string, group: string): Promise<KeptImage> {
    this.kept.push(`${id} ${group}`);
    const { kind, image } = this;
    return Promise.resolve(kind === 'kept' ? { kind, image } : { kind });
  }

  mustAskRegistries(): Promise<boolean> {
    return Promise.resolve(this.mustAsk);
  }
}
