import { endHint, EventBus, liveTopic, type LiveLogEntry, type LiveState } from './event-bus.js';

/** The bus inside one process; nothing expires but what was ended. */
export class MemoryEventBus extends EventBus {
  private readonly logs = new Map<string, LiveLogEntry[]>();
  private readonly states = new Map<string, LiveState>();
  private readonly listeners = new Map<string, Set<(message: string) => void>>();
  private readonly expiries = new Map<string, NodeJS.Timeout>();

  async appendLog(
    executionId: string,
    entry: LiveLogEntry,
    keepFromSeq: number,
  ): Promise<'appended' | 'refused'> {
    const entries = this.logs.get(executionId) ?? [];
    const last = entries.at(-1);
    if (last !== undefined && entry.lastSeq <= last.lastSeq) return 'refused';
    const kept = entries.filter(({ lastSeq }) => lastSeq >= keepFromSeq);
    this.logs.set(executionId, [...kept, entry]);
    await this.publish(liveTopic(executionId), 'log');
    return 'appended';
  }

  async readLog(executionId: string, afterSeq: number, limit: number): Promise<LiveLogEntry[]> {
    const entries = this.logs.get(executionId) ?? [];
    return entries.filter(({ lastSeq }) => lastSeq > afterSeq).slice(0, limit);
  }

  async readNewestLog(
    executionId: string,
    upToSeq: number,
    limit: number,
  ): Promise<LiveLogEntry[]> {
    const entries = this.logs.get(executionId) ?? [];
    return entries
      .filter(({ lastSeq }) => lastSeq <= upToSeq)
      .toReversed()
      .slice(0, limit);
  }

  async putState(
    executionId: string,
    fence: number,
    state: string,
  ): Promise<'stored' | 'superseded'> {
    const stored = this.states.get(executionId);
    if (stored !== undefined && stored.fence > fence) return 'superseded';
    this.states.set(executionId, { fence, state });
    await this.publish(liveTopic(executionId), 'state');
    return 'stored';
  }

  async getState(executionId: string): Promise<LiveState | undefined> {
    return this.states.get(executionId);
  }

  async endLive(executionId: string, keepMs: number, text?: string): Promise<void> {
    const forget = (): void => {
      this.logs.delete(executionId);
      this.states.delete(executionId);
      this.expiries.delete(executionId);
    };
    clearTimeout(this.expiries.get(executionId));
    this.expiries.set(executionId, setTimeout(forget, keepMs).unref());
    await this.publish(liveTopic(executionId), endHint(text));
  }

  async publish(topic: string, message: string): Promise<void> {
    for (const listener of this.listeners.get(topic) ?? []) {
      setImmediate(() => {
        if (this.listeners.get(topic)?.has(listener)) listener(message);
      });
    }
  }

  subscribe(topic: string, listener: (message: string) => void): () => void {
    const heard = (message: string): void => listener(message);
    const listeners = this.listeners.get(topic) ?? new Set();
    listeners.add(heard);
    this.listeners.set(topic, listeners);
    setImmediate(() => {
      if (listeners.has(heard)) heard('resync');
    });
    return () => {
      listeners.delete(heard);
      if (listeners.size === 0 && this.listeners.get(topic) === listeners) {
        this.listeners.delete(topic);
      }
    };
  }
}
