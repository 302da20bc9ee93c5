import { type ChildProcess, spawn } from 'node:child_process';
import type { Lab } from '../../src/lab/lab.ts';
import { toolEnv } from '../../src/lab/run.ts';
import type { Right } from '../../src/model/history.ts';

interface KeyEvent {
  readonly revision: bigint;
  /** Null: the key was deleted, or its lease ended. */
  readonly holder: { readonly name: string; readonly term: string } | null;
  readonly heardMs: number;
}

/** What etcd itself says of the right to lead: the leader key, watched from outside on each member of etcd. */
export interface RightsWatch {
  rights(): readonly Right[];
  end(): void;
}

export function watchRights(lab: Lab): RightsWatch {
  const events = new Map<bigint, KeyEvent>();
  const children = new Set<ChildProcess>();
  let ended = false;

  function watch(address: string): void {
    if (ended) return;
    const command = ['etcdctl', `--endpoints=http://${address}:2379`, 'watch', '-w', 'json', '--rev=1'];
    const [program = '', ...args] = lab.client.machine.onItsNetwork([...command, `/service/${lab.plan.scope}/leader`]);
    const child = spawn(program, args, {
      env: { ...toolEnv(), ETCDCTL_API: '3' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.add(child);
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines)
        for (const event of eventsOf(line)) if (!events.has(event.revision)) events.set(event.revision, event);
    });
    child.once('close', () => {
      children.delete(child);
      setTimeout(() => watch(address), 200);
    });
  }
  for (const { plan } of lab.nodes.map(({ machine }) => machine)) if (plan.etcd) watch(plan.address);

  return {
    rights: () => rightsOf([...events.values()].toSorted((a, b) => (a.revision < b.revision ? -1 : 1))),
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

/**
 * An end is heard late, never early, so that nobody is blamed for our ears. A beginning is heard late too: it is moved
 * back, to the end of the right before it at most.
 */
const heardLateMs = 2_000;

function rightsOf(events: readonly KeyEvent[]): readonly Right[] {
  const rights: Right[] = [];
  for (const [index, { holder, heardMs }] of events.entries()) {
    if (holder === null) continue;
    const next = events[index + 1];
    const before = rights.at(-1)?.untilMs ?? 0;
    rights.push({
      kind: 'right',
      node: holder.name,
      term: holder.term,
      fromMs: Math.max(before, heardMs - heardLateMs),
      untilMs: next?.heardMs ?? Number.POSITIVE_INFINITY,
    });
  }
  return rights;
}
