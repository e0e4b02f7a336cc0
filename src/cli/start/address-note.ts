import { rmSync, writeFileSync } from 'node:fs';
import { addressFile } from '../../config/client-environment.js';

/** Tells other commands of this user where the API listens, while it does. */
export class AddressNote {
  private written = false;

  constructor(
    private readonly home: string,
    private readonly url: string,
  ) {}

  write(): void {
    writeFileSync(addressFile(this.home), `${this.url}\n`, { mode: 0o600 });
    this.written = true;
  }

  /** Takes back what `write` left; nothing else. */
  remove(): void {
    if (this.written) rmSync(addressFile(this.home), { force: true });
  }
}
