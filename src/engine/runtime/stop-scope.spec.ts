import { StopScope, type StopCause } from './stop-scope.js';

const cause = (message: string): StopCause => ({
  kind: 'cancel',
  reason: { code: 'cancelled', message },
});

describe('stop scope', () => {
  it('stops everything below it, and keeps the first cause', () => {
    const root = new StopScope();
    const child = new StopScope(root);
    const leaf = new StopScope(child);
    const heard: string[] = [];
    leaf.onStop(({ reason }) => heard.push(reason.message));
    child.stop(cause('child'));
    root.stop(cause('root'));
    expect(heard).toEqual(['child']);
    expect(leaf.cause?.reason.message).toBe('child');
    expect(root.cause?.reason.message).toBe('root');
  });

  it('tells at once who comes late', () => {
    const root = new StopScope();
    root.stop(cause('x'));
    const heard: string[] = [];
    new StopScope(root).onStop(({ reason }) => heard.push(reason.message));
    expect(heard).toEqual(['x']);
  });

  it('forgets listeners and closed scopes', () => {
    const root = new StopScope();
    const child = new StopScope(root);
    const heard: string[] = [];
    const forget = root.onStop(() => heard.push('root'));
    child.onStop(() => heard.push('child'));
    forget();
    child.close();
    root.stop(cause('x'));
    expect(heard).toEqual([]);
    expect(child.cause).toBeUndefined();
  });
});
