/** Whether this process runs steps in containers, and by what. Told in `/api/workers`. */
export class ContainerSupport {
  private constructor(
    /** `docker 20.10.24`; undefined: it runs none. */
    readonly engine: string | undefined,
    /** `linux/amd64` */
    readonly platform: string | undefined,
    /** Why it runs none. */
    readonly reason: string | undefined,
  ) {}

  static by(engine: string, platform: string): ContainerSupport {
    return new ContainerSupport(engine, platform, undefined);
  }

  static none(reason: string): ContainerSupport {
    return new ContainerSupport(undefined, undefined, reason);
  }

  get isThere(): boolean {
    return this.engine !== undefined;
  }
}
