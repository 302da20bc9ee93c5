import assert from 'node:assert/strict';
import { constants, createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { revision } from '../../../src/model/units.ts';
import { StatusResponseSchema } from '../../../src/world/etcd/generated/etcd_pb.js';
import { makeEtcdTransport } from '../../../src/world/etcd/transport.ts';

/** What etcd itself does not do on request: broken, odd and hostile answers. */

let server: Http2Server;
let url = '';
let answer: (stream: ServerHttp2Stream) => void = () => {};
const sessions = new Set<ServerHttp2Session>();
const transport = makeEtcdTransport({ tls: null });
before(async () => {
  server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.on('error', () => {});
    stream.resume();
    answer(stream);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  transport.cut(url);
  for (const session of sessions) session.destroy();
  server.close();
});

const ask = (limitMs = 2_000) => transport.call(url, 'status', {}, limitMs, null);
const message = toBinary(StatusResponseSchema, create(StatusResponseSchema, { version: '3.4.23', leader: 7n }));
const frame = (flag = 0, length = message.length): Buffer => {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
};
const grpc = { ':status': 200, 'content-type': 'application/grpc' };

/** Headers, the given bytes one after the other, and the trailers. */
function reply(stream: ServerHttp2Stream, chunks: readonly Buffer[], trailers: Record<string, string>): void {
  stream.respond(grpc, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  const write = (at: number): void => {
    const chunk = chunks[at];
    if (chunk === undefined) stream.end();
    else stream.write(chunk, () => setImmediate(() => write(at + 1)));
  };
  write(0);
}

test('an answer in crumbs is put together', async () => {
  const whole = frame();
  answer = (stream) =>
    reply(
      stream,
      [...whole].map((byte) => Buffer.from([byte])),
      { 'grpc-status': '0' },
    );
  const seen = await ask();
  assert.ok(seen.kind === 'answered' && seen.answer.version === '3.4.23' && seen.answer.leader === 7n);
});

test('an error without an answer, in headers alone, keeps its code and its text', async () => {
  answer = (stream) =>
    stream.respond(
      { ...grpc, 'grpc-status': '14', 'grpc-message': 'etcdserver: no leader %C3%A9' },
      { endStream: true },
    );
  assert.deepEqual(await ask(), { kind: 'error', code: 14, message: 'etcdserver: no leader é' });
  answer = (stream) => reply(stream, [], { 'grpc-status': '5', 'grpc-message': '100 % wrong' });
  assert.deepEqual(await ask(), { kind: 'error', code: 5, message: '100 % wrong' });
});

test('an error after an answer is an error', async () => {
  answer = (stream) => reply(stream, [frame()], { 'grpc-status': '4', 'grpc-message': 'context deadline exceeded' });
  assert.deepEqual(await ask(), { kind: 'error', code: 4, message: 'context deadline exceeded' });
});

test('whatever is no whole answer is lost, and named', async () => {
  const cases: readonly (readonly [(stream: ServerHttp2Stream) => void, RegExp])[] = [
    [(stream) => reply(stream, [frame()], {}), /without a status/],
    [(stream) => reply(stream, [], { 'grpc-status': '0' }), /without an answer/],
    [(stream) => reply(stream, [frame(1)], { 'grpc-status': '0' }), /compressed/],
    [(stream) => reply(stream, [frame(0, 4_000_000_000)], { 'grpc-status': '0' }), /a message of 4000000000 bytes/],
    [(stream) => reply(stream, [Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff])], { 'grpc-status': '0' }), /./],
    [(stream) => stream.respond({ ':status': 503 }, { endStream: true }), /HTTP 503/],
    [(stream) => stream.close(constants.NGHTTP2_INTERNAL_ERROR), /NGHTTP2_INTERNAL_ERROR/],
    [(stream) => stream.session?.destroy(), /./],
  ];
  for (const [how, why] of cases) {
    answer = how;
    const seen = await ask();
    assert.ok(seen.kind === 'lost' && why.test(seen.why), `${why}: ${JSON.stringify(seen)}`);
  }
});

test('what HTTP/2 refused before any processing was never sent', async () => {
  answer = (stream) => stream.close(constants.NGHTTP2_REFUSED_STREAM);
  assert.equal((await ask()).kind, 'unsent');
});

test('after a GOAWAY the call under way ends as it should, and the next has a session of its own', async () => {
  answer = (stream) => reply(stream, [frame()], { 'grpc-status': '0' });
  assert.equal((await ask()).kind, 'answered');
  const before = sessions.size;
  answer = (stream) => {
    stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
    setTimeout(() => reply(stream, [frame()], { 'grpc-status': '0' }), 50);
  };
  assert.equal((await ask()).kind, 'answered');
  answer = (stream) => reply(stream, [frame()], { 'grpc-status': '0' });
  assert.equal((await ask()).kind, 'answered');
  assert.equal(sessions.size, before + 1);
});

test('a watch that the server ends is over, with its reason, though our half of it is open [lesson 18]', {
  timeout: 5_000,
}, async () => {
  answer = (stream) => reply(stream, [], { 'grpc-status': '14', 'grpc-message': 'etcdserver: server stopped' });
  const ask = { key: 'a', rangeEnd: 'b', startRevision: revision(1n) };
  const why = await new Promise((resolve) => {
    transport.watch(url, ask, null, (message) => resolve(message));
  });
  assert.deepEqual(why, { kind: 'ended', why: 'etcdserver: server stopped' });
});

test('a call that reached its limit is cancelled at the server, and others go on', async () => {
  let cancelled: () => void = () => {};
  const heard = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  answer = (stream) => void stream.on('aborted', () => cancelled());
  assert.deepEqual(await ask(100), { kind: 'lost', why: 'no answer within 100 ms' });
  await heard;
  answer = (stream) => reply(stream, [frame()], { 'grpc-status': '0' });
  assert.equal((await ask()).kind, 'answered');
});
