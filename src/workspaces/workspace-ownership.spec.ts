import { standIn } from '../../test/support/stand-in.js';
import type { TreeOwners } from './tree-owners.js';
import { WorkspaceOwnership } from './workspace-ownership.js';

describe('WorkspaceOwnership', () => {
  let given: string[];
  /** Of each tree that was given: nobody was at work in it. */
  let alone: (boolean | undefined)[];
  let fails: boolean;
  /** What a tree is given after. */
  let slow: Promise<void>;

  beforeEach(() => {
    slow = Promise.resolve();
    given = [];
    alone = [];
    fails = false;
  });

  function ownership(uid = 500, server = 0): WorkspaceOwnership {
    const owner = { name: 'steps', uid, gid: 501 };
    const workspace = { root: '/r', directory: '/r/w', home: '', temporary: '', owner };
    const owners = standIn<TreeOwners>({
      give: async ({ folder, uid: to, gid, isShared, isAlone }) => {
        await slow;
        if (fails) throw new Error('cannot');
        alone.push(isAlone);
        given.push(`${folder} ${to}:${gid}${isShared ? ' shared' : ''}`);
      },
      close: (folder) => void given.push(`${folder} closed`),
    });
    return new WorkspaceOwnership(workspace, owners, { uid: server, gid: 501 });
  }
  const nothing = async (): Promise<void> => undefined;

  it('gives nothing while only the user of the steps works', async () => {
    const owner = ownership();
    await owner.asSteps(nothing);
    await owner.asSteps(nothing);
    expect(given).toEqual([]);
  });

  it('gives the tree to a user of an image, and back', async () => {
    const owner = ownership();
    await owner.asUser(1000, nothing);
    await owner.asSteps(nothing);
    await owner.asSteps(nothing);
    expect(given).toEqual(['/r/w 1000:501', '/r/w 500:501']);
  });

  it('says whether anybody is at work in the tree, also root or the same user', async () => {
    const owner = ownership();
    await owner.asUser(1000, async () => {
      await owner.asUser(1000, nothing);
      await owner.asUser(1000, nothing);
    });
    await owner.asUser(0, () => owner.asUser(2000, nothing));
    await owner.asSteps(nothing);
    expect(given).toEqual([
      ...['/r/w 1000:501', '/r/w 1000:501', '/r/w closed'],
      ...['/r/w 2000:501', '/r/w 500:501'],
    ]);
    expect(alone).toEqual([true, false, false, true]);
  });

  it('lets nobody in while it is being given, nor on the word of a time before', async () => {
    const owner = ownership();
    let isGiven: () => void = () => undefined;
    slow = new Promise((resolve) => (isGiven = resolve));
    const done: string[] = [];
    const step = (uid: number, name: string) =>
      owner.asUser(uid, async () => void done.push(`${name}: ${given.join(', ')}`));
    // Its files are still the steps' own when the second comes.
    const both = [step(1000, 'a'), owner.asSteps(async () => void done.push('steps'))];
    await new Promise((resolve) => setImmediate(resolve));
    expect(done).toEqual([]);
    isGiven();
    await Promise.all(both);
    expect(done).toEqual(['a: /r/w 1000:501', 'steps']);
    expect(given).toHaveLength(2);
  });

  it('is given again after it was given in part', async () => {
    const owner = ownership();
    fails = true;
    await expect(owner.asUser(1000, nothing)).rejects.toThrow('cannot');
    fails = false;
    await owner.asSteps(nothing);
    expect(given).toEqual(['/r/w 500:501']);
  });

  it('gives it again to the same user, who made files of others meanwhile', async () => {
    const owner = ownership();
    await owner.asUser(1000, nothing);
    await owner.asUser(1000, nothing);
    expect(given).toHaveLength(2);
  });

  it('closes the folder while only root works there, and takes back what root made', async () => {
    const owner = ownership();
    await owner.asUser(0, nothing);
    expect(given).toEqual(['/r/w closed']);
    await owner.asSteps(nothing);
    expect(given.slice(1)).toEqual(['/r/w 500:501']);
  });

  it('does nothing for root while others work there, and opens the folder for them', async () => {
    const owner = ownership();
    let end: () => void = () => undefined;
    const steps = owner.asSteps(() => new Promise<void>((resolve) => (end = resolve)));
    await owner.asUser(0, nothing);
    expect(given).toEqual([]);
    end();
    await steps;
    const root = owner.asUser(0, () => new Promise<void>((resolve) => (end = resolve)));
    await owner.asSteps(nothing);
    expect(given).toEqual(['/r/w closed', '/r/w 500:501']);
    end();
    await root;
  });

  it('shares it between users that work at once', async () => {
    const owner = ownership();
    let end: () => void = () => undefined;
    const first = owner.asUser(1000, () => new Promise<void>((resolve) => (end = resolve)));
    await owner.asUser(1001, nothing);
    end();
    await first;
    expect(given).toEqual(['/r/w 1000:501', '/r/w 1001:501 shared']);
  });

  it('gives it to nobody while it is being given', async () => {
    const owner = ownership();
    await Promise.all([owner.asUser(1, nothing), owner.asUser(2, nothing)]);
    expect(given.map((line) => line.split(' ')[1])).toEqual(['1:501', '2:501']);
  });

  it('tries again after a failure', async () => {
    const owner = ownership();
    fails = true;
    await expect(owner.asUser(1000, nothing)).rejects.toThrow('cannot');
    fails = false;
    await owner.asUser(1000, nothing);
    expect(given).toEqual(['/r/w 1000:501']);
  });

  it('gives nothing to be read by a server that is root', async () => {
    const owner = ownership();
    await owner.asUser(0, nothing);
    await owner.asServer(nothing);
    await owner.readable('/r/cache');
    expect(given).toEqual(['/r/w closed']);
  });

  it('gives what others may have made to be read by one that is an ordinary user', async () => {
    const owner = ownership(500, 500);
    await owner.asServer(nothing);
    expect(given).toEqual([]);
    await owner.asUser(0, nothing);
    await owner.asServer(nothing);
    await owner.asServer(nothing);
    await owner.readable('/r/cache');
    expect(given.slice(1)).toEqual(['/r/w 500:501', '/r/cache 500:501 shared']);
  });
});
