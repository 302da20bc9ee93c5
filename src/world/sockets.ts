import { chmodSync, rmSync } from 'node:fs';
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import type { Connection, Sockets } from '../model/world.ts';
import { whyOf } from './failure.ts';

/** A peer that sends more without a line end is no peer of ours. */
const lineCharsMax = 64 * 1024;
/** What does not read what it is sent is closed rather than fed for ever. */
const unsentBytesMax = 1024 * 1024;
/** The kernel's room for the path of a unix socket; longer ones would be cut without a word. */
const pathBytesMax = 107;

export function makeSockets(): Sockets {
  return {
    connect: (path, limitMs) =>
      new Promise((resolve) => {
        if (tooLong(path)) return resolve({ kind: 'failed', why: lengthWhy(path) });
        const socket = netConnect({ path });
        const fail = (why: string): void => {
          socket.destroy();
          resolve({ kind: 'failed', why });
        };
        const timer = setTimeout(() => fail(`${path}: no answer in ${limitMs} ms`), limitMs);
        socket.on('error', (error) => {
          clearTimeout(timer);
          fail(whyOf(error));
        });
        socket.once('connect', () => {
          clearTimeout(timer);
          resolve({ kind: 'connected', connection: connectionOf(socket) });
        });
      }),
    listen: (path, accept) =>
      new Promise((resolve) => {
        if (tooLong(path)) return resolve({ kind: 'failed', why: lengthWhy(path) });
        const open = new Set<Socket>();
        const server = createServer((socket) => {
          open.add(socket);
          socket.on('error', () => socket.destroy());
          socket.once('close', () => open.delete(socket));
          accept(connectionOf(socket));
        });
        server.once('error', (error) => resolve({ kind: 'failed', why: whyOf(error) }));
        rmSync(path, { force: true });
        const umask = process.umask(0o177); // bind makes the file: nobody else may connect, not even for a moment
        server.listen({ path }, () => {
          chmodSync(path, 0o600);
          resolve({
            kind: 'listening',
            close() {
              server.close(); // takes the file away too
              for (const socket of open) socket.destroy();
            },
          });
        });
        process.umask(umask);
      }),
  };
}

const tooLong = (path: string): boolean => Buffer.byteLength(path) > pathBytesMax;
const lengthWhy = (path: string): string =>
  `${path}: a socket's path has at most ${pathBytesMax} bytes, this has ${Buffer.byteLength(path)}: set a shorter state directory`;

/** One message a line. Lines that come before anybody listens wait. */
function connectionOf(socket: Socket): Connection {
  const decoder = new StringDecoder('utf8');
  const waiting: string[] = [];
  let receive: ((line: string) => void) | null = null;
  let rest = '';
  let isClosed = false;

  socket.on('data', (bytes: Buffer) => {
    const lines = (rest + decoder.write(bytes)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > lineCharsMax || lines.some((line) => line.length > lineCharsMax)) return void socket.destroy();
    for (const line of lines) {
      if (receive === null) waiting.push(line);
      else receive(line);
    }
    if (waiting.length > 1000) socket.destroy();
  });
  socket.once('end', () => socket.destroy());
  socket.once('close', () => {
    isClosed = true;
  });
  return {
    send(line) {
      if (socket.destroyed) return;
      socket.write(`${line}\n`);
      if (socket.writableLength > unsentBytesMax) socket.destroy();
    },
    onLine(listen) {
      receive = listen;
      for (const line of waiting.splice(0)) listen(line);
    },
    onClosed(closed) {
      if (isClosed) setImmediate(closed);
      else socket.once('close', () => closed());
    },
    close: () => void socket.destroySoon(),
  };
}
