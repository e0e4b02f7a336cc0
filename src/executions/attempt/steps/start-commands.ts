/** How something is started, and which file says so. */
export type FoundStart =
  | {
      readonly kind: 'found';
      /** A line for `/bin/sh`. */
      readonly command: string;
      /** Below the folder that was asked about. */
      readonly file: string;
      /** Of the file, from 1; null: all of it says so. */
      readonly line: number | null;
    }
  /** No file says it, or several say different things. */
  | { readonly kind: 'unknown'; readonly why: string };

/** Port: how what lies in a folder is started, by its files. Nothing is run, nothing is guessed. */
export abstract class StartCommands {
  /**
   * @param root absolute, which no stranger can exchange
   * @param folder below it; '' = all of it
   * @returns `unknown` also where the files cannot be read within the limits, or the signal aborts
   */
  abstract find(root: string, folder: string, signal: AbortSignal): Promise<FoundStart>;
}

/** Where nothing is deployed, nothing is looked for. */
export class NoStartCommands extends StartCommands {
  find(): Promise<FoundStart> {
    return Promise.resolve({ kind: 'unknown', why: 'only a server looks for it' });
  }
}
