import { type CallOptions, type Client, createClient, type Transport } from '@connectrpc/connect';
import { leaseId } from '../../model/units.ts';
import type { EtcdAnswer, EtcdAsk, EtcdCall, EtcdHeader } from '../../model/world.ts';
import { Auth, Cluster, KV, Lease, Maintenance } from './generated/etcd_pb.js';
import { compareOf, headerOf, keyValueOf, opOf, rangeOf } from './messages.ts';

export interface Clients {
  readonly kv: Client<typeof KV>;
  readonly lease: Client<typeof Lease>;
  readonly cluster: Client<typeof Cluster>;
  readonly maintenance: Client<typeof Maintenance>;
  readonly auth: Client<typeof Auth>;
}

export const clientsOver = (transport: Transport): Clients => ({
  kv: createClient(KV, transport),
  lease: createClient(Lease, transport),
  cluster: createClient(Cluster, transport),
  maintenance: createClient(Maintenance, transport),
  auth: createClient(Auth, transport),
});

export interface Answered<C extends EtcdCall> {
  readonly header: EtcdHeader;
  readonly answer: EtcdAnswer<C>;
}
type Perform<C extends EtcdCall> = (clients: Clients, ask: EtcdAsk<C>, options: CallOptions) => Promise<Answered<C>>;

/** How each call is put to etcd. Throws what connect throws. */
export const perform: { readonly [C in EtcdCall]: Perform<C> } = {
  async range({ kv }, ask, options) {
    const request = { ...rangeOf(ask), revision: ask.revision ?? 0n };
    const { header, kvs } = await kv.range(request, options);
    return { header: headerOf(header), answer: { kvs: kvs.map(keyValueOf) } };
  },
  async txn({ kv }, ask, options) {
    const { header, succeeded, responses } = await kv.txn(
      { compare: ask.compare.map(compareOf), success: ask.success.map(opOf), failure: ask.failure.map(opOf) },
      options,
    );
    const ranges = responses.flatMap(({ response }) =>
      response.case === 'responseRange' ? [response.value.kvs.map(keyValueOf)] : [],
    );
    return { header: headerOf(header), answer: { succeeded, ranges } };
  },
  async leaseGrant({ lease }, ask, options) {
    const { header, ID, TTL } = await lease.leaseGrant({ TTL: BigInt(ask.ttlS) }, options);
    return { header: headerOf(header), answer: { lease: leaseId(ID), ttlS: Number(TTL) } };
  },
  /** One message, half-close, one answer: a keep-alive that is a call like any other. */
  async leaseKeepAlive({ lease }, ask, options) {
    async function* one() {
      yield { ID: ask.lease };
    }
    for await (const { header, TTL } of lease.leaseKeepAlive(one(), options)) {
      return { header: headerOf(header), answer: { ttlS: Number(TTL) } };
    }
    throw new Error('the keep-alive stream ended without an answer');
  },
  async leaseRevoke({ lease }, ask, options) {
    const { header } = await lease.leaseRevoke({ ID: ask.lease }, options);
    return { header: headerOf(header), answer: {} };
  },
  async leaseTimeToLive({ lease }, ask, options) {
    const { header, TTL, grantedTTL } = await lease.leaseTimeToLive({ ID: ask.lease }, options);
    return { header: headerOf(header), answer: { leftS: Number(TTL), grantedS: Number(grantedTTL) } };
  },
  async memberList({ cluster }, _ask, options) {
    const { header, members } = await cluster.memberList({}, options);
    return { header: headerOf(header), answer: { clientUrls: members.flatMap((member) => member.clientURLs) } };
  },
  async status({ maintenance }, _ask, options) {
    const { header, version, leader } = await maintenance.status({}, options);
    return { header: headerOf(header), answer: { version, leader } };
  },
  async authenticate({ auth }, ask, options) {
    const { header, token } = await auth.authenticate({ name: ask.name, password: ask.password }, options);
    return { header: headerOf(header), answer: { token } };
  },
};
