/**
 * A value of a parsed manifest, with the line where it stands, counted from 1. What the file does
 * not say, or says in another form than asked for, is `undefined`: rules ask without checking.
 */
export class DataNode {
  constructor(
    readonly value: string | number | boolean | null | DataMap | readonly DataNode[],
    readonly line: number,
  ) {}

  get text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined;
  }

  /** A text, or a number or boolean as it would be written. */
  get scalar(): string | undefined {
    const { value } = this;
    return value === null || typeof value === 'object' ? undefined : String(value);
  }

  get items(): readonly DataNode[] {
    return Array.isArray(this.value) ? (this.value as readonly DataNode[]) : [];
  }

  get entries(): readonly (readonly [string, DataNode])[] {
    return this.value instanceof DataMap ? [...this.value.nodes] : [];
  }

  /** What stands below these keys. */
  at(...keys: readonly string[]): DataNode | undefined {
    return keys.reduce<DataNode | undefined>((node, key) => node?.child(key), this);
  }

  private child(key: string): DataNode | undefined {
    return this.value instanceof DataMap ? this.value.nodes.get(key) : undefined;
  }
}

export class DataMap {
  constructor(readonly nodes: ReadonlyMap<string, DataNode>) {}
}

/** What a manifest says, or why it cannot be read. */
export type Parsed =
  { readonly root: DataNode } | { readonly problem: string; readonly line: number };
