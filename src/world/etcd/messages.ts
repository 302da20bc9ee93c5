import { create } from '@bufbuild/protobuf';
import { leaseId, revision } from '../../model/units.ts';
import type { EtcdCompare, EtcdEvent, EtcdHeader, EtcdKeyValue, EtcdOp, EtcdWatchMessage } from '../../model/world.ts';
import {
  type Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  Event_EventType,
  type KeyValue,
  type RequestOp,
  RequestOpSchema,
  type ResponseHeader,
  type WatchResponse,
} from './generated/etcd_pb.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export const bytes = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text);
const text = (raw: Uint8Array): string => decoder.decode(raw);

export const headerOf = (header: ResponseHeader | undefined): EtcdHeader => ({
  clusterId: header?.clusterId ?? 0n,
  memberId: header?.memberId ?? 0n,
  revision: revision(header?.revision ?? 0n),
  raftTerm: header?.raftTerm ?? 0n,
});

export const keyValueOf = (kv: KeyValue): EtcdKeyValue => ({
  key: text(kv.key),
  value: text(kv.value),
  createRevision: revision(kv.createRevision),
  modRevision: revision(kv.modRevision),
  lease: kv.lease === 0n ? null : leaseId(kv.lease),
});

export const rangeOf = (ask: { readonly key: string; readonly rangeEnd?: string }) => ({
  key: bytes(ask.key),
  ...(ask.rangeEnd === undefined ? {} : { rangeEnd: bytes(ask.rangeEnd) }),
});

export function compareOf(compare: EtcdCompare): Compare {
  const key = bytes(compare.key);
  const equal = Compare_CompareResult.EQUAL;
  switch (compare.target) {
    case 'create':
    case 'createNot':
      return create(CompareSchema, {
        key,
        result: compare.target === 'create' ? equal : Compare_CompareResult.NOT_EQUAL,
        target: Compare_CompareTarget.CREATE,
        targetUnion: { case: 'createRevision', value: compare.equals },
      });
    case 'mod':
      return create(CompareSchema, {
        key,
        result: equal,
        target: Compare_CompareTarget.MOD,
        targetUnion: { case: 'modRevision', value: compare.equals },
      });
    case 'value':
      return create(CompareSchema, {
        key,
        result: equal,
        target: Compare_CompareTarget.VALUE,
        targetUnion: { case: 'value', value: bytes(compare.equals) },
      });
    case 'lease':
      return create(CompareSchema, {
        key,
        result: equal,
        target: Compare_CompareTarget.LEASE,
        targetUnion: { case: 'lease', value: compare.equals },
      });
    default:
      return compare satisfies never;
  }
}

export function opOf(op: EtcdOp): RequestOp {
  switch (op.op) {
    case 'put': {
      const value = { key: bytes(op.key), value: bytes(op.value), lease: op.lease ?? 0n };
      return create(RequestOpSchema, { request: { case: 'requestPut', value } });
    }
    case 'delete':
      return create(RequestOpSchema, { request: { case: 'requestDeleteRange', value: rangeOf(op) } });
    case 'range':
      return create(RequestOpSchema, { request: { case: 'requestRange', value: rangeOf(op) } });
    default:
      return op satisfies never;
  }
}

export function watchMessageOf(message: WatchResponse): EtcdWatchMessage {
  const header = headerOf(message.header);
  if (message.canceled) {
    const compactRevision = message.compactRevision === 0n ? null : revision(message.compactRevision);
    return { kind: 'canceled', compactRevision, why: message.cancelReason };
  }
  if (message.created) return { kind: 'created', header };
  if (message.events.length === 0) return { kind: 'progress', header };
  const events = message.events.flatMap(({ type, kv }): EtcdEvent[] =>
    kv === undefined
      ? []
      : [
          {
            type: type === Event_EventType.DELETE ? 'delete' : 'put',
            key: text(kv.key),
            value: text(kv.value),
            modRevision: revision(kv.modRevision),
          },
        ],
  );
  return { kind: 'events', header, events };
}
