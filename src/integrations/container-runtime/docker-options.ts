export interface DockerOptions {
  /** `unix:///…`, `tcp://host:port` or `http(s)://…` */
  readonly host: string;
  /** Names this installation in labels. */
  readonly installation: string;
  readonly report: (what: string, error: unknown) => void;
}
