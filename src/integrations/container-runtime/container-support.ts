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
    /** Why steps in the shell may use the engine as the worker does; undefined: they may not. */
    readonly socketShared?: string,
  ) {}

  static by(
    engine: string,
    platform: string,
    {
      builder,
      reason,
      hostReachable,
      socketShared,
    }: {
      readonly builder?: string | undefined;
      readonly reason?: string | undefined;
      readonly hostReachable?: string | undefined;
      readonly socketShared?: string | undefined;
    } = {},
  ): ContainerSupport {
    return new ContainerSupport(
      ...([engine, platform, undefined, builder, reason] as const),
      ...([hostReachable, socketShared] as const),
    );
  }

  static none(reason: string): ContainerSupport {
    return new ContainerSupport(undefined, undefined, reason, undefined, reason);
  }

  /** Whether both say the same. */
  equals(other: ContainerSupport): boolean {
    return JSON.stringify(this) === JSON.stringify(other);
  }

  get isThere(): boolean {
    return this.engine !== undefined;
  }
}
