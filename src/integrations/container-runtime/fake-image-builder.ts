import type { LocalImage } from './container-runtime.js';
import {
  type BuilderProgram,
  ImageBuilder,
  type PushRequest,
  type PushResult,
} from './image-builder.js';

/** Builds for the tests of others: knows what it is told, and remembers what it was asked. */
export class FakeImageBuilder extends ImageBuilder {
  readonly program: BuilderProgram = { name: 'fake 1', path: '/bin/fake', dialect: 'docker' };
  readonly reason = undefined;
  readonly host = 'unix:///fake.sock';
  readonly pushed: PushRequest[] = [];
  /** By its name; undefined: the build has left none. */
  image: LocalImage | undefined = {
    id: 'sha256:id',
    digest: 'sha256:id',
    user: '',
    hasProgram: true,
    platform: 'linux/amd64',
  };
  mustAsk = false;
  push = (request: PushRequest): Promise<PushResult> => {
    this.pushed.push(request);
    return Promise.resolve({ kind: 'pushed', digest: 'sha256:pushed' });
  };

  labels(group: string): Readonly<Record<string, string>> {
    return { own: group };
  }

  newName(): string {
    return 'own/name:1';
  }

  find(): Promise<LocalImage | undefined> {
    return Promise.resolve(this.image);
  }

  mustAskRegistries(): Promise<boolean> {
    return Promise.resolve(this.mustAsk);
  }
}
