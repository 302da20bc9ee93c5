import { type ChildProcess, spawn } from 'node:child_process';
import type { Right } from '../model/history.ts';
import type { Lab } from './lab.ts';
import { delay, toolEnv } from './run.ts';

/** The leader key was taken, or is gone. */
export interface KeyEvent {
  readonly revision: bigint;
  /** Null: the key was deleted, or its lease ended. */
  readonly holder: { readonly name: string; readonly term: string } | null;
  readonly heardMs: number;
}

/** What etcd itself says of the right to lead: the leader key, watched from outside on each member of etcd. */
export interface RightsWatch {
  rights(): readonly Right[];
  /** What happened to the key itself, in the order of etcd's revisions, each when it was first heard of. */
  events(): readonly KeyEvent[];
  /** Waits until it has heard of the leader key that is there now: watches that a lost majority ended begin again some time later. */
  caughtUp(signal?: AbortSignal): Promise<void>;
  end(): void;
}

export function watchRights(lab: Lab): RightsWatch {
  const events = new Map<bigint, KeyEvent>();
  const children = new Set<ChildProcess>();
  let ended = false;

  function etcdctl(addresses: readonly string[], ...words: readonly string[]) {
    const endpoints = addresses.map((address) => `http://${address}:2379`).join(',');
    const command = ['etcdctl', `--endpoints=${endpoints}`, ...words, `/service/${lab.plan.scope}/leader`];
    // It lives on the host: it must not outlive this process, however that ends.
    const [program = '', ...args] = ['setpriv', '--pdeathsig', 'KILL', ...lab.client.machine.onItsNetwork(command)];
    const child = spawn(program, args, {
      env: { ...toolEnv(), ETCDCTL_API: '3' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.add(child);
    child.once('close', () => children.delete(child));
    child.stdout.setEncoding('utf8');
    return child;
  }

  function watch(address: string): void {
    if (ended) return;
    const child = etcdctl([address], 'watch', '-w', 'json', '--rev=1');
    let rest = '';
    child.stdout.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        for (const event of eventsOf(line)) if (!events.has(event.revision)) events.set(event.revision, event);
    });
    child.once('close', () => setTimeout(() => watch(address), 200));
  }
  const members = lab.nodes.map(({ machine }) => machine.plan).filter(({ etcd }) => etcd);
  for (const { address } of members) watch(address);

  /** What a read of the quorum shows; null: etcd gives no answer. */
  async function keyNow(): Promise<Look | null> {
    const sentMs = Date.now();
    const addresses = members.map(({ address }) => address);
    const child = etcdctl(addresses, 'get', '-w', 'json', '--command-timeout=2s');
    let text = '';
    for await (const part of child.stdout) text += String(part);
    if (text === '') return null;
    const { kvs = [] } = JSON.parse(text) as {
      readonly kvs?: readonly { readonly mod_revision: string; readonly create_revision: string }[];
    };
    const [kv] = kvs;
    return { sentMs, revision: kv === undefined ? null : BigInt(kv.mod_revision), term: kv?.create_revision ?? null };
  }
  const looks: Look[] = [];
  async function keepLooking(): Promise<void> {
    for (; !ended; await delay(1_000)) {
      const look = await keyNow();
      if (look !== null) looks.push(look);
    }
  }
  void keepLooking();

  const ordered = (): readonly KeyEvent[] =>
    [...events.values()].toSorted((a, b) => (a.revision < b.revision ? -1 : 1));
  return {
    rights: () => rightsOf(ordered(), looks),
    events: ordered,
    async caughtUp(signal) {
      for (const endMs = Date.now() + 30_000; Date.now() < endMs; await delay(100, signal)) {
        const now = await keyNow();
        if (now !== null && (now.revision === null || events.has(now.revision))) return;
      }
      throw new Error('the watch of the leader key does not hear of the one that is there');
    },
    end() {
      ended = true;
      for (const child of children) child.kill('SIGKILL');
    },
  };
}

function eventsOf(line: string): readonly KeyEvent[] {
  const heardMs = Date.now();
  const response = JSON.parse(line) as {
    readonly Events?: readonly {
      readonly type?: number;
      readonly kv: { readonly mod_revision: string; readonly create_revision?: string; readonly value?: string };
    }[];
  };
  return (response.Events ?? []).map(({ type, kv }) => ({
    revision: BigInt(kv.mod_revision),
    heardMs,
    holder:
      type === 1 || kv.value === undefined
        ? null
        : { name: Buffer.from(kv.value, 'base64').toString(), term: String(kv.create_revision) },
  }));
}

interface Look {
  readonly sentMs: number;
  readonly revision: bigint | null;
  readonly term: string | null;
}

/**
 * An end is heard late, never early, so that nobody is blamed for our ears. A beginning is heard late too, the more so by a
 * watch that begins anew after etcd was away: it is moved back to the last look that did not show it. So rights overlap by as
 * much as our ears are late, the end of one and the beginning of the next being heard in one breath; the key itself has one
 * holder at a time, whatever happens.
 */
const heardLateMs = 2_000;

function rightsOf(events: readonly KeyEvent[], looks: readonly Look[]): readonly Right[] {
  const rights: Right[] = [];
  for (const [index, { holder, heardMs }] of events.entries()) {
    if (holder === null) continue;
    const next = events[index + 1];
    const notThereMs = looks.findLast(({ sentMs, term }) => sentMs < heardMs && term !== holder.term)?.sentMs ?? 0;
    rights.push({
      kind: 'right',
      node: holder.name,
      term: holder.term,
      fromMs: Math.max(rights.at(-1)?.fromMs ?? 0, Math.min(heardMs - heardLateMs, notThereMs)),
      untilMs: next?.heardMs ?? Number.POSITIVE_INFINITY,
    });
  }
  return rights;
}
