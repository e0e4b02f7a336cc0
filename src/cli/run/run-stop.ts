import type { StopRequest } from '../../engine/runtime/run-ports.js';
import { exitCodeOfSignal } from '../command/exit-codes.js';
import type { Terminal } from '../terminal/terminal.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Signals to `run`. The first one cancels the run as the server would: steps end, `always` hooks
 * run. The second one ends everything that runs at once. Further ones change nothing: what is left
 * to do then is short, and must be done.
 */
export class RunStop {
  private readonly cancelling = new AbortController();
  private force: () => void = () => undefined;
  /** Aborted by the first signal. */
  readonly signal = this.cancelling.signal;
  /** Resolves at the second signal. */
  readonly forced = new Promise<'forced'>((resolve) => (this.force = () => resolve('forced')));
  /** True from the second signal on. */
  isForced = false;
  /** That of the first signal, as a shell tells it; `undefined` before. */
  exitCode: number | undefined;

  constructor(private readonly terminal: Terminal) {
    for (const signal of SIGNALS) process.on(signal, this.onSignal);
  }

  release(): void {
    for (const signal of SIGNALS) process.off(signal, this.onSignal);
  }

  private readonly onSignal = (name: NodeJS.Signals): void => {
    if (this.exitCode !== undefined) {
      if (!this.isForced) this.terminal.say('Stopping at once, without hooks.');
      this.isForced = true;
      this.force();
      return;
    }
    this.exitCode = exitCodeOfSignal(name);
    this.terminal.say('Cancelling; again to stop at once.');
    const request: StopRequest = {
      kind: 'cancel',
      reason: { code: 'cancelled_by_user', message: 'Cancelled at the terminal.' },
    };
    this.cancelling.abort(request);
  };
}
