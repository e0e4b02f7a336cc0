import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';
/** For the lock that all who change rules wait for, seconds. */
const LOCK_S = '10';
/** All bridges that Millrace makes: see `docker-network.ts`. */
const BRIDGES = 'mr-+';

/**
 * A rule, and the chain that it is put at the beginning of. So of two rules in the lists below the
 * later one stands before the earlier one in the chain, and is asked first.
 */
interface Rule {
  readonly program: 'iptables' | 'ip6tables';
  /** The first one of these that there is. */
  readonly chains: readonly [string, ...string[]];
  readonly rule: readonly string[];
}

/** Answers to what the machine has asked: probes of sidecars, and shell steps that use them. */
const ANSWERS = ['-m', 'conntrack', '--ctstate', 'ESTABLISHED,RELATED', '-j', 'ACCEPT'];

/**
 * Containers of steps reach neither the machine of the worker nor addresses that only it reaches,
 * such as those of a cloud that gives out its keys (link-local). What Docker's own rules let
 * through is looked at first in `DOCKER-USER`, which it keeps for others; an engine that makes no
 * rules (`--iptables=false`) has no such chain.
 */
const RULES: readonly Rule[] = [
  { program: 'iptables', chains: ['INPUT'], rule: ['-i', BRIDGES, '-j', 'DROP'] },
  { program: 'iptables', chains: ['INPUT'], rule: ['-i', BRIDGES, ...ANSWERS] },
  {
    program: 'iptables',
    chains: ['DOCKER-USER', 'FORWARD'],
    rule: ['-i', BRIDGES, '-d', '169.254.0.0/16', '-j', 'DROP'],
  },
  { program: 'ip6tables', chains: ['INPUT'], rule: ['-i', BRIDGES, '-j', 'DROP'] },
  { program: 'ip6tables', chains: ['INPUT'], rule: ['-i', BRIDGES, ...ANSWERS] },
];

/**
 * Podman's name server listens on the bridges themselves: without it containers do not find each
 * other by name. Docker has its own inside of each container.
 */
const NAMES: readonly Rule[] = ['udp', 'tcp'].map((protocol) => ({
  program: 'iptables',
  chains: ['INPUT'],
  rule: ['-i', BRIDGES, '-p', protocol, '--dport', '53', '-j', 'ACCEPT'],
}));

/** Runs a program of the firewall. Rejects when it ends with another code than 0. */
export type FirewallProgram = (program: string, args: readonly string[]) => Promise<void>;

/**
 * Makes sure of these rules, which stay: they are for all workers of the machine. Undefined: they
 * are there; otherwise why containers may reach the machine.
 */
export async function closeHost(
  { isPodman }: { readonly isPodman: boolean },
  execute: FirewallProgram = executed,
): Promise<string | undefined> {
  const changed = new Set<string>();
  for (const { program, chains, rule } of isPodman ? [...RULES, ...NAMES] : RULES) {
    try {
      const chain = await firstChain(execute, program, chains);
      const change = (what: '-C' | '-D' | '-I'): Promise<void> =>
        execute(program, ['-w', LOCK_S, what, chain, ...rule]);
      const isThere = await change('-C').then(
        () => true,
        () => false,
      );
      // A rule that was put in just now stands before all that was there.
      if (isThere && !changed.has(`${program} ${chain}`)) continue;
      if (isThere) await change('-D');
      await change('-I');
      changed.add(`${program} ${chain}`);
    } catch (error) {
      const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
      const said = (stderr ?? '').trim().split('\n')[0] ?? '';
      return `${program}: ${said === '' ? message : said}`;
    }
  }
  return undefined;
}

/** The last one is not asked for: whoever needs it hears that it is missing. */
async function firstChain(
  execute: FirewallProgram,
  program: string,
  [chain, ...others]: readonly [string, ...string[]],
): Promise<string> {
  const [next, ...rest] = others;
  if (next === undefined) return chain;
  const isThere = await execute(program, ['-w', LOCK_S, '-S', chain]).then(
    () => true,
    () => false,
  );
  return isThere ? chain : firstChain(execute, program, [next, ...rest]);
}

async function executed(program: string, args: readonly string[]): Promise<void> {
  await run(program, [...args], { env: { PATH } });
}
