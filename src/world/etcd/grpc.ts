import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { whyOf } from '../failure.ts';

/**
 * gRPC on one HTTP/2 session: a message is five bytes, a flag and a length, and then the protobuf; the status comes in
 * trailers. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 *
 * The connect library does the same at three times the CPU, and the agent's calls to etcd are most of what it does.
 */
export interface RpcOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** When the server is told to give up; our own limits stand above. Null: never. */
  readonly timeoutMs: number | null;
}

export type RpcEnd =
  /** The server said so. */
  | { readonly kind: 'status'; readonly code: number; readonly message: string }
  /** Refused by HTTP/2 before any processing. */
  | { readonly kind: 'unsent'; readonly why: string }
  /** It broke on the way: the request may have arrived. */
  | { readonly kind: 'lost'; readonly why: string };

export type Method<I extends DescMessage, O extends DescMessage> = DescMethod & {
  readonly input: I;
  readonly output: O;
};

export interface Rpc<I> {
  send(message: I): void;
  /** Nothing more is sent. */
  half(): void;
  /** Whoever opened it hears nothing more. */
  cancel(): void;
}

const prefixBytes = 5;
/** More than etcd could send us in earnest. */
const messageBytesMax = 64 * 1024 * 1024;
/** What may wait to be written on a stream that takes nothing. */
const waitingBytesMax = 64 * 1024;

/** Opens one call; `message` hears each answer, `ended` once how it ended. Throws when the session takes no more calls. */
export function openRpc<I extends DescMessage, O extends DescMessage>(
  session: ClientHttp2Session,
  method: Method<I, O>,
  { headers, timeoutMs }: RpcOptions,
  hear: { message(answer: MessageShape<O>): void; ended(end: RpcEnd): void },
): Rpc<MessageShape<I>> {
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${method.parent.typeName}/${method.name}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(timeoutMs === null ? {} : { 'grpc-timeout': `${Math.max(1, Math.ceil(timeoutMs))}m` }),
    ...headers,
  });
  let over = false;
  let status: RpcEnd | null = null;

  function end(how: RpcEnd): void {
    if (over) return;
    over = true;
    hear.ended(how);
  }
  function told(answered: Headers): void {
    status ??= statusOf(answered);
  }
  stream.on('response', told);
  stream.on('trailers', told);
  stream.on('error', (error) => end(broken(stream, whyOf(error))));
  // Both ends of a stream must be done for it to close: the server's word is enough.
  stream.on('end', () => status !== null && end(status));
  stream.on('close', () => end(status ?? broken(stream, 'the stream ended without a status')));
  readMessages(stream, (bytes) => {
    if (over) return;
    hear.message(fromBinary(method.output, bytes));
  });

  return {
    send(message) {
      if (over || stream.destroyed || stream.writableLength > waitingBytesMax) return;
      stream.write(framed(toBinary(method.input, message)));
    },
    half: () => void stream.end(),
    cancel() {
      over = true;
      // A turn later, as the end of a session.
      setImmediate(() => stream.close(constants.NGHTTP2_CANCEL));
    },
  };
}

type Headers = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** Null: not told here. A message that is not well encoded is passed on as it is. */
function statusOf(headers: Headers): RpcEnd | null {
  const { 'grpc-status': code, 'grpc-message': message } = headers;
  if (typeof code !== 'string') {
    const http = headers[':status'];
    return http === undefined || http === 200 ? null : { kind: 'lost', why: `HTTP ${http} instead of gRPC` };
  }
  return { kind: 'status', code: Number(code), message: typeof message === 'string' ? unescaped(message) : '' };
}

function unescaped(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

const broken = (stream: ClientHttp2Stream, why: string): RpcEnd =>
  stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ? { kind: 'unsent', why } : { kind: 'lost', why };

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + message.length);
  frame[0] = 0; // not compressed
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, prefixBytes);
  return frame;
}

/** Puts messages together from chunks. Anything that is none ends the stream with an error. */
function readMessages(stream: ClientHttp2Stream, receive: (bytes: Uint8Array) => void): void {
  let chunks: Buffer[] = [];
  let got = 0;
  /** Bytes that there must be before there is anything to read. */
  let wanted = prefixBytes;
  const hear = (chunk: Buffer): void => {
    chunks.push(chunk);
    got += chunk.length;
    if (got < wanted) return;
    let rest = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    for (wanted = lengthOf(rest); rest.length >= wanted && rest.length > 0; wanted = lengthOf(rest)) {
      receive(rest.subarray(prefixBytes, wanted));
      rest = rest.subarray(wanted);
    }
    chunks = rest.length === 0 ? [] : [rest];
    got = rest.length;
  };
  stream.on('data', (chunk: Buffer) => {
    try {
      hear(chunk);
    } catch (error) {
      stream.removeAllListeners('data').resume();
      setImmediate(() => stream.destroy(error instanceof Error ? error : new Error(String(error))));
    }
  });
}

/** Of the first message, prefix and all; of the prefix alone while that is not whole. */
function lengthOf(bytes: Buffer): number {
  if (bytes.length < prefixBytes) return prefixBytes;
  if (bytes[0] !== 0) throw new Error('a compressed message, which was not asked for');
  const length = bytes.readUInt32BE(1);
  if (length > messageBytesMax) throw new Error(`a message of ${length} bytes`);
  return prefixBytes + length;
}
