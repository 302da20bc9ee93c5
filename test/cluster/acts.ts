import assert from 'node:assert/strict';
import type { Stage } from './stage.ts';

/** What the scenarios have in common: accidents end in the same three questions. */
export interface Acts {
  pid(node: string, service: 'postgres' | 'agent' | 'guardian'): number | null;
  /** PostgreSQL of the node does not run any more. */
  gone(node: string, limitMs: number): Promise<void>;
  /** The witness of the node acknowledges nothing for a second. */
  writesStopped(node: string, limitMs: number): Promise<void>;
  /** Somebody else leads and takes writes; after `heal` the old one streams again. The new leader's name. */
  takenOverFrom(old: string, limitMs: number, heal: () => Promise<void>): Promise<string>;
  /** A row written on the leader now arrives on every standby. */
  rowArrives(): Promise<void>;
  /** The laws over everything the witnesses and etcd have shown so far. */
  lawful(): Promise<void>;
}

export function actsOn(stage: Stage): Acts {
  let rows = 0;
  const pid: Acts['pid'] = (node, service) => stage.lab.node(node).process(service)?.pid ?? null;

  async function rowArrives(): Promise<void> {
    rows += 1;
    // Member keys outlive their members for a while: who looks healthy may still be on the way down.
    const leader = await stage.until(
      async () => {
        const now = await stage.healthy();
        await stage.sql(now, `create table if not exists proof (n int); insert into proof values (${rows})`);
        return now;
      },
      30_000,
      'the leader takes a row',
    );
    for (const { name } of stage.lab.nodes) {
      await stage.until(
        async () => (await stage.sql(name, `select count(*) from proof where n = ${rows}`)) === '1',
        10_000,
        `a row written on ${leader} arrives on ${name}`,
      );
    }
  }

  return {
    pid,
    rowArrives,
    gone: (node, limitMs) =>
      stage
        .until(async () => pid(node, 'postgres') === null, limitMs, `PostgreSQL of ${node} is stopped`)
        .then(() => {}),
    async writesStopped(node, limitMs) {
      const quietMs = 1_000;
      await stage.until(
        async () => {
          const last = stage.acknowledged().findLast((write) => write.node === node);
          return Date.now() - (last?.endedMs ?? 0) > quietMs;
        },
        limitMs + quietMs,
        `${node} takes no more writes`,
      );
    },
    async takenOverFrom(old, limitMs, heal) {
      const leader = await stage.until(
        async () => {
          const { leader: now } = await stage.lab.status();
          return now !== null && now !== old && (await stage.sql(now, 'select pg_is_in_recovery()')) === 'f' && now;
        },
        limitMs,
        'another member leads',
      );
      await heal();
      await rowArrives();
      return leader;
    },
    lawful: async () => assert.deepEqual(await stage.violations(), []),
  };
}
