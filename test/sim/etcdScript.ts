import { leaseId, type Revision, revision } from '../../src/model/units.ts';
import type { EtcdAsk, EtcdCall, EtcdReply, EtcdTransport, EtcdWatchMessage } from '../../src/model/world.ts';

/** What the script runs on: the model or the real etcd, freshly started. */
export interface Place {
  readonly transport: EtcdTransport;
  readonly endpoint: string;
  sleep(ms: number): Promise<void>;
}

/**
 * One script for model and original. Its answers as text, with lease ids numbered by their first appearance, so that
 * two runs compare line by line.
 */
export async function etcdScript({ transport, endpoint, sleep }: Place): Promise<readonly string[]> {
  const lines: string[] = [];
  const leases: bigint[] = [];
  const shown = (value: unknown): string =>
    JSON.stringify(value, (_key, one) => {
      if (typeof one !== 'bigint') return one;
      if (one < 1_000_000n) return Number(one);
      if (!leases.includes(one)) leases.push(one);
      return `L${leases.indexOf(one) + 1}`;
    });
  async function say<C extends EtcdCall>(call: C, ask: EtcdAsk<C>): Promise<EtcdReply<C>> {
    const reply = await transport.call(endpoint, call, ask, 2000, null);
    const what =
      reply.kind === 'answered'
        ? `${reply.header.revision} ${shown(reply.answer)}`
        : reply.kind === 'error'
          ? `error ${reply.code} ${reply.message}`
          : reply.kind;
    lines.push(`${call} ${shown(ask)} -> ${what}`);
    return reply;
  }
  const put = (key: string, value: string, lease?: bigint) =>
    say('txn', {
      compare: [],
      success: [{ op: 'put', key, value, ...(lease === undefined ? {} : { lease: leaseId(lease) }) }],
      failure: [],
    });

  await say('range', { key: '/a' });
  await put('/a', '1');
  await put('/b', '2');
  await put('/a', '3');
  await say('range', { key: '/', rangeEnd: '0' });
  await say('range', { key: '/', rangeEnd: '0', revision: revision(3n) });
  await say('range', { key: '/a', revision: revision(99n) });

  const yes = [{ op: 'range', key: '/a' }] as const;
  const no = [{ op: 'range', key: '/', rangeEnd: '0' }] as const;
  const absent = '/absent';
  for (const compare of [
    { target: 'create', key: '/a', equals: revision(2n) },
    { target: 'create', key: '/a', equals: revision(4n) },
    { target: 'create', key: absent, equals: revision(0n) },
    { target: 'createNot', key: '/a', equals: revision(0n) },
    { target: 'createNot', key: absent, equals: revision(0n) },
    { target: 'mod', key: '/a', equals: revision(4n) },
    { target: 'mod', key: '/a', equals: revision(2n) },
    { target: 'mod', key: absent, equals: revision(0n) },
    { target: 'value', key: '/a', equals: '3' },
    { target: 'value', key: '/a', equals: '1' },
    { target: 'value', key: absent, equals: '' },
    { target: 'lease', key: '/a', equals: leaseId(0n) },
    { target: 'lease', key: absent, equals: leaseId(0n) },
  ] as const)
    await say('txn', { compare: [compare], success: yes, failure: no });

  // Several changes are one revision; a range sees what was written before it; nothing changed is no revision.
  await say('txn', {
    compare: [],
    success: [
      { op: 'put', key: '/c', value: 'new' },
      { op: 'range', key: '/', rangeEnd: '0' },
      { op: 'delete', key: '/a' },
      { op: 'range', key: '/', rangeEnd: '0' },
      { op: 'delete', key: absent },
    ],
    failure: [],
  });
  await say('txn', { compare: [], success: [{ op: 'delete', key: absent }], failure: [] });
  await say('txn', {
    compare: [],
    success: [
      { op: 'put', key: '/d', value: '1' },
      { op: 'put', key: '/d', value: '2' },
    ],
    failure: [],
  });

  const granted = await say('leaseGrant', { ttlS: 1 });
  const lease = granted.kind === 'answered' ? granted.answer.lease : leaseId(1n);
  await put('/held', 'by lease', lease);
  await say('txn', { compare: [{ target: 'lease', key: '/held', equals: lease }], success: yes, failure: no });
  await say('leaseKeepAlive', { lease });
  await put('/held', 'still', lease);
  await put('/orphan', 'x', 77n);
  await say('leaseKeepAlive', { lease: leaseId(77n) });
  await say('leaseTimeToLive', { lease: leaseId(77n) });
  await say('leaseRevoke', { lease: leaseId(77n) });
  const second = await say('leaseGrant', { ttlS: 5 });
  const long = second.kind === 'answered' ? second.answer.lease : leaseId(1n);
  await sleep(1300);
  await say('leaseTimeToLive', { lease: long });

  const seen: string[] = [];
  const told = (message: EtcdWatchMessage): void => {
    if (message.kind === 'events')
      for (const event of message.events) seen.push(`${event.type} ${event.key} ${event.value} ${event.modRevision}`);
    else seen.push(message.kind);
  };
  const watch = transport.watch(
    endpoint,
    { key: '/', rangeEnd: '0', startRevision: revision(4n) as Revision },
    null,
    told,
  );
  await sleep(300);
  await put('/e', 'watched', long);
  await sleep(100);
  await say('leaseRevoke', { lease: long });
  await say('leaseKeepAlive', { lease: long });
  await say('leaseTimeToLive', { lease: long });
  await sleep(3500); // the short lease ends, and its key with it
  await say('range', { key: '/', rangeEnd: '0' });
  await say('leaseKeepAlive', { lease });
  watch.askProgress();
  await sleep(300);
  watch.close();
  lines.push(...seen.map((line) => `watch: ${line}`));
  return lines;
}
