import type { ClientHttp2Session } from 'node:http2';
import { create, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { leaseId } from '../../model/units.ts';
import type { EtcdAnswer, EtcdAsk, EtcdCall, EtcdHeader, EtcdReply } from '../../model/world.ts';
import { Auth, Cluster, KV, Lease, Maintenance } from './generated/etcd_pb.js';
import { type Method, openRpc, type RpcEnd, type RpcOptions } from './grpc.ts';
import { compareOf, headerOf, keyValueOf, opOf, rangeOf } from './messages.ts';

interface Answered<C extends EtcdCall> {
  readonly header: EtcdHeader;
  readonly answer: EtcdAnswer<C>;
}

/** A call under way. */
export interface Asked<C extends EtcdCall> {
  readonly reply: Promise<EtcdReply<C>>;
  cancel(): void;
}
type Ask<C extends EtcdCall> = (session: ClientHttp2Session, ask: EtcdAsk<C>, options: RpcOptions) => Asked<C>;

/** One message, half-close, one answer: a keep-alive, too, which is a stream to etcd, is a call like any other. */
function call<C extends EtcdCall, I extends DescMessage, O extends DescMessage>(
  method: Method<I, O>,
  request: (ask: EtcdAsk<C>) => MessageInitShape<I>,
  answered: (message: MessageShape<O>) => Answered<C>,
): Ask<C> {
  return (session, ask, options) => {
    let cancel = (): void => {};
    const reply = new Promise<EtcdReply<C>>((resolve) => {
      let answer: Answered<C> | null = null;
      const rpc = openRpc(session, method, options, {
        message: (message) => (answer ??= answered(message)),
        ended: (end) => resolve(answer !== null && succeeded(end) ? { kind: 'answered', ...answer } : failed(end)),
      });
      rpc.send(create(method.input, request(ask)));
      rpc.half();
      cancel = rpc.cancel;
    });
    return { reply, cancel };
  };
}

const succeeded = (end: RpcEnd): boolean => end.kind === 'status' && end.code === 0;

/** A status that came from the server is an answer. Anything else broke on the way: the request may have arrived. */
function failed(end: RpcEnd): Exclude<EtcdReply<EtcdCall>, { kind: 'answered' }> {
  if (end.kind !== 'status') return end;
  if (end.code === 0) return { kind: 'lost', why: 'the server ended the call without an answer' };
  return { kind: 'error', code: end.code, message: end.message };
}

/** How each call is put to etcd. Throws when the session takes no more calls. */
export const calls: { readonly [C in EtcdCall]: Ask<C> } = {
  range: call(
    KV.method.range,
    (ask) => ({ ...rangeOf(ask), revision: ask.revision ?? 0n }),
    ({ header, kvs }) => ({ header: headerOf(header), answer: { kvs: kvs.map(keyValueOf) } }),
  ),
  txn: call(
    KV.method.txn,
    (ask) => ({ compare: ask.compare.map(compareOf), success: ask.success.map(opOf), failure: ask.failure.map(opOf) }),
    ({ header, succeeded, responses }) => {
      const ranges = responses.flatMap(({ response }) =>
        response.case === 'responseRange' ? [response.value.kvs.map(keyValueOf)] : [],
      );
      return { header: headerOf(header), answer: { succeeded, ranges } };
    },
  ),
  leaseGrant: call(
    Lease.method.leaseGrant,
    ({ ttlS }) => ({ TTL: BigInt(ttlS) }),
    ({ header, ID, TTL }) => ({ header: headerOf(header), answer: { lease: leaseId(ID), ttlS: Number(TTL) } }),
  ),
  leaseKeepAlive: call(
    Lease.method.leaseKeepAlive,
    ({ lease }) => ({ ID: lease }),
    ({ header, TTL }) => ({ header: headerOf(header), answer: { ttlS: Number(TTL) } }),
  ),
  leaseRevoke: call(
    Lease.method.leaseRevoke,
    ({ lease }) => ({ ID: lease }),
    ({ header }) => ({ header: headerOf(header), answer: {} }),
  ),
  leaseTimeToLive: call(
    Lease.method.leaseTimeToLive,
    ({ lease }) => ({ ID: lease }),
    ({ header, TTL, grantedTTL }) => ({
      header: headerOf(header),
      answer: { leftS: Number(TTL), grantedS: Number(grantedTTL) },
    }),
  ),
  memberList: call(
    Cluster.method.memberList,
    () => ({}),
    ({ header, members }) => ({
      header: headerOf(header),
      answer: { clientUrls: members.flatMap((member) => member.clientURLs) },
    }),
  ),
  status: call(
    Maintenance.method.status,
    () => ({}),
    ({ header, version, leader }) => ({ header: headerOf(header), answer: { version, leader } }),
  ),
  authenticate: call(
    Auth.method.authenticate,
    ({ name, password }) => ({ name, password }),
    ({ header, token }) => ({ header: headerOf(header), answer: { token } }),
  ),
};
