export interface DockerOptions {
  /** `unix:///…`, `tcp://host:port` or `http(s)://…` */
  readonly host: string;
  /** Names this installation in labels. */
  readonly installation: string;
  /** What steps have beside the usual capabilities, without `CAP_`. Default: nothing. */
  readonly capabilities?: readonly string[];
  readonly report: (what: string, error: unknown) => void;
}
