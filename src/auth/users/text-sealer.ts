/** Port: seals what nobody may read in the database. */
export abstract class TextSealer {
  /** @param context what the text is and whose: it opens with the same one only */
  abstract seal(text: string, context: string): string;
  /** @throws Error when it cannot be opened */
  abstract open(sealed: string, context: string): string;
}
