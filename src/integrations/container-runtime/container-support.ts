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
    /** Why containers may reach this machine; undefined: they do not. */
    readonly hostReachable?: string,
  ) {}

  static by(
    engine: string,
    platform: string,
    {
      builder,
      reason,
      hostReachable,
    }: {
      readonly builder?: string | undefined;
      readonly reason?: string | undefined;
      readonly hostReachable?: string | undefined;
    } = {},
  ): ContainerSupport {
    return new ContainerSupport(engine, platform, undefined, builder, reason, hostReachable);
  }

  static none(reason: string): ContainerSupport {
    return new ContainerSupport(undefined, undefined, reason, undefined, reason);
  }

  get isThere(): boolean {
    return this.engine !== undefined;
  }
}
