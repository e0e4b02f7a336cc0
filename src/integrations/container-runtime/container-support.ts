/** Whether this process runs steps in containers, and by what. Told in `/api/workers`. */
export class ContainerSupport {
  private constructor(
    /** `docker 20.10.24`; undefined: it runs none. */
    readonly engine: string | undefined,
    /** `linux/amd64` */
    readonly platform: string | undefined,
    /** Why it runs none. */
    readonly reason: string | undefined,
    /** What builds images, `docker 20.10.24`; undefined: nothing does. */
    readonly builder?: string,
    /** Why nothing builds images here. */
    readonly builderReason?: string,
  ) {}

  static by(
    engine: string,
    platform: string,
    { builder, reason }: { readonly builder?: string; readonly reason?: string } = {},
  ): ContainerSupport {
    return new ContainerSupport(engine, platform, undefined, builder, reason);
  }

  static none(reason: string): ContainerSupport {
    return new ContainerSupport(undefined, undefined, reason, undefined, reason);
  }

  get isThere(): boolean {
    return this.engine !== undefined;
  }
}
