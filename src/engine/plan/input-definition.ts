export type InputType = 'string' | 'number' | 'boolean' | 'choice';

/** An input of the `manual` rule, or of an approval. */
export interface InputDefinition {
  readonly name: string;
  readonly type: InputType;
  readonly description?: string;
  /** Of `choice`: at least one. */
  readonly options: readonly string[];
  /** Of the input's type; absent = none. */
  readonly default?: string | number | boolean;
  /** True = whoever is asked must give it; an input with a default never is. */
  readonly required: boolean;
}
