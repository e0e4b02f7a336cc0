import { execution, type Execution } from '../api/wire-readers.js';
import { exitCodeOfStatus, exitCodes } from '../command/exit-codes.js';
import { cleanText } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { followExecution, type FollowListener } from './follow-execution.js';
import type { Session } from './session.js';

export interface WatchOptions {
  readonly afterSeq?: number;
  /** Ctrl-C cancels the execution instead of leaving it alone. */
  readonly cancelOnInterrupt?: boolean;
}

/**
 * Follows an execution for somebody at a terminal; the exit code is its result, or 130 after
 * Ctrl-C.
 */
export async function watchExecution(
  session: Session,
  executionId: string,
  listener: FollowListener,
  options: WatchOptions,
  onEnd: (execution: Execution, json: string) => void,
): Promise<number> {
  const { terminal, api } = session;
  const interrupt = new Interrupt(session, executionId, options.cancelOnInterrupt ?? false);
  try {
    await followExecution(api, executionId, listener, {
      ...(options.afterSeq === undefined ? {} : { afterSeq: options.afterSeq }),
      signal: interrupt.signal,
    });
    api.renewBudget();
    const path = `/api/ci/executions/${executionId}`;
    const { value, json } = await api.read({ method: 'GET', path }, execution);
    onEnd(value, json);
    return interrupt.happened ? exitCodes.interrupted : exitCodeOfStatus(value.status);
  } catch (error) {
    if (!interrupt.signal.aborted) throw error;
    printHowToContinue(session, terminal, executionId, interrupt.cancelled);
    return exitCodes.interrupted;
  } finally {
    interrupt.release();
  }
}

function printHowToContinue(
  session: Session,
  terminal: Terminal,
  executionId: string,
  cancelled: boolean,
): void {
  terminal.say();
  if (cancelled) {
    terminal.say('No longer following; the execution is being cancelled.');
  } else {
    terminal.say('No longer following; the execution continues.');
    terminal.say(`  Cancel it:  ${session.commandLine(`cancel ${executionId}`)}`);
  }
  terminal.say(`  Follow it:  ${session.commandLine(`logs -f ${executionId}`)}`);
}

/** Ctrl-C: leaves the execution alone, or cancels it first and leaves at the second one. */
class Interrupt {
  private readonly controller = new AbortController();
  readonly signal = this.controller.signal;
  happened = false;
  /** The server has accepted the cancel. */
  cancelled = false;

  constructor(
    private readonly session: Session,
    private readonly executionId: string,
    private readonly cancels: boolean,
  ) {
    process.on('SIGINT', this.onSignal);
    process.on('SIGTERM', this.onSignal);
  }

  release(): void {
    process.off('SIGINT', this.onSignal);
    process.off('SIGTERM', this.onSignal);
  }

  private readonly onSignal = (): void => {
    if (!this.cancels || this.happened) {
      this.happened = true;
      this.controller.abort();
      return;
    }
    this.happened = true;
    this.session.terminal.say('Cancelling; again to stop following.');
    this.cancel().catch((error: unknown) => {
      this.session.terminal.say(`millrace: not cancelled: ${cleanText((error as Error).message)}`);
    });
  };

  private async cancel(): Promise<void> {
    const { api } = this.session;
    api.renewBudget();
    await api.text({
      method: 'POST',
      path: `/api/ci/executions/${this.executionId}/cancel`,
      body: { reason: 'Ctrl-C at the terminal that triggered it' },
      repeatable: true,
    });
    this.cancelled = true;
  }
}
