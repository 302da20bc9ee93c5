import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { User } from './ground.ts';
import type { Lab } from './lab.ts';
import { doToMachine, type MachineDeed, machineWords, setClockOf } from './machineDeeds.ts';
import { memoryOfLab, type ToldStatus } from './memory.ts';
import type { Playhouse } from './scenario/playhouse.ts';
import { serviceLog } from './serviceLog.ts';
import type { Service } from './services.ts';
import { switchOver } from './switchover.ts';

/** The door of a running lab: other commands ask the process that keeps it, over a socket in its folder. */

const signals = ['KILL', 'STOP', 'CONT', 'TERM', 'INT', 'QUIT', 'HUP'] as const;
export type Signal = (typeof signals)[number];
export const isSignal = (text: string): text is Signal => signals.some((signal) => signal === text);

export type Request =
  | { readonly kind: 'status' | 'down' }
  | { readonly kind: MachineDeed; readonly node: string }
  /** By how much the agent's wall clock is wrong from now on. */
  | { readonly kind: 'setClock'; readonly node: string; readonly byMs: number }
  | {
      readonly kind: 'kill';
      readonly node: string;
      readonly service: Service;
      readonly signal: Signal;
      readonly restartAfterS: number | null;
    }
  | { readonly kind: 'start'; readonly node: string; readonly service: Service }
  | { readonly kind: 'inside'; readonly node: string; readonly argv: readonly string[]; readonly user: User }
  | { readonly kind: 'logPath'; readonly node: string; readonly service: string }
  /** To the named member, or whoever is fit; a wait of its own, so it holds up nothing else. */
  | { readonly kind: 'switchover'; readonly to: string | null }
  /** A scenario of those that come with the program, by name. */
  | { readonly kind: 'play'; readonly scenario: string }
  | { readonly kind: 'stopPlay' }
  | { readonly kind: 'page' };

export type Reply =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly why: string };

const socketOf = (dir: string): string => join(dir, 'control.sock');

export interface Control {
  end(): void;
}

export interface DeskOptions {
  down(): void;
  /** What was done, on somebody's demand: one line for people, told when it is done, and when it was begun. */
  done(line: string, begunWall: string): void;
  /** The address of the live page, with its key. */
  pageUrl(): string | null;
  readonly playhouse: Playhouse;
}

/** Where everybody's requests come together, from the socket and from the page. */
export type Desk = (request: Request | null) => Promise<Reply>;

export function makeDesk(lab: Lab, options: DeskOptions): Desk {
  /** What is refused, or fails, is nothing that happened. */
  async function act(request: Request): Promise<Reply> {
    const begunWall = new Date().toISOString();
    const reply = await answer(lab, request, options);
    if (reply.kind === 'done') options.done(describe(request), begunWall);
    return reply;
  }
  // One after another: two answers to the same machine's power must not cross.
  let before: Promise<unknown> = Promise.resolve();
  return (request) => {
    if (request === null || !changes(request)) return answer(lab, request, options);
    const played = options.playhouse.playing();
    if (played !== null && !ofPlays(request)) return Promise.resolve({ kind: 'failed', why: besideWhy(played) });
    // A switchover waits for a new leader, and a play is only begun: neither holds up who pulls a plug meanwhile.
    if (ofPlays(request) || request.kind === 'switchover') return act(request);
    const work = before.then(() => act(request));
    before = work.catch(() => {});
    return work;
  };
}

export async function serveControl(lab: Lab, desk: Desk): Promise<Control> {
  const path = socketOf(lab.dir);
  rmSync(path, { force: true });
  const server: Server = createServer((socket) => {
    onLines(socket, (line) => {
      void desk(readRequest(line)).then((reply) => socket.end(`${JSON.stringify(reply)}\n`));
    });
  });
  await new Promise<void>((done, fail) => server.once('error', fail).listen(path, done));
  chmodSync(path, 0o600);
  return { end: () => server.close() };
}

async function answer(lab: Lab, request: Request | null, options: DeskOptions): Promise<Reply> {
  try {
    return { kind: 'done', value: request === null ? null : ((await perform(lab, request, options)) ?? null) };
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

async function perform(lab: Lab, request: Request, options: DeskOptions): Promise<unknown> {
  switch (request.kind) {
    case 'status':
      return { ...(await lab.status()), memory: memoryOfLab(lab) } satisfies ToldStatus;
    case 'down':
      return options.down();
    case 'kill': {
      const node = lab.node(request.node);
      await node.kill(request.service, request.signal);
      const { restartAfterS, service } = request;
      if (restartAfterS !== null) setTimeout(() => void node.start(service).catch(() => {}), restartAfterS * 1000);
      return null;
    }
    case 'start':
      return lab.node(request.node).start(request.service);
    case 'inside':
      return lab.node(request.node).inside(request.argv, request.user);
    case 'logPath':
      return serviceLog(lab, request.node, request.service);
    case 'switchover':
      return switchOver(lab, request.to);
    case 'play':
      return options.playhouse.start(request.scenario);
    case 'stopPlay':
      return options.playhouse.stop();
    case 'page':
      return options.pageUrl();
    case 'setClock':
      return setClockOf(lab, request.node, request.byMs);
    default:
      return doToMachine(lab, request.kind, request.node);
  }
}

const changes = (request: Request): boolean => !['status', 'inside', 'logPath', 'page', 'down'].includes(request.kind);

const ofPlays = ({ kind }: Request): boolean => kind === 'play' || kind === 'stopPlay';
const besideWhy = (title: string): string =>
  `"${title}" is being played, and what is done beside it would be judged with it: stop it first`;

const signalWords: Partial<Record<Signal, string>> = { KILL: 'kill', STOP: 'freeze', CONT: 'thaw' };
function describe(request: Request): string {
  switch (request.kind) {
    case 'kill':
      return `${signalWords[request.signal] ?? request.signal} ${request.service} on ${request.node}`;
    case 'start':
      return `start ${request.service} on ${request.node}`;
    case 'setClock':
      return request.byMs === 0
        ? `clock of ${request.node} set right`
        : `clock of ${request.node} set by ${request.byMs / 1_000} s`;
    case 'inside':
    case 'logPath':
    case 'status':
    case 'down':
    case 'page':
      return request.kind;
    case 'switchover':
      return request.to === null ? 'switchover' : `switchover to ${request.to}`;
    case 'play':
      return `play ${request.scenario}`;
    case 'stopPlay':
      return 'stop the scenario';
    default:
      return `${machineWords[request.kind]} ${request.node}`;
  }
}

/** Both ends are this program, and only its own user reaches the socket: the shape is trusted. */
function readRequest(line: string): Request | null {
  const value: Request | null = JSON.parse(line);
  return value;
}

/** Asks a running lab. Throws what it answers when it can not do it. */
export function askLab(dir: string, request: Request, limitMs = 60_000): Promise<unknown> {
  return new Promise((settle, fail) => {
    const socket = connect(socketOf(dir));
    socket.setTimeout(limitMs, () =>
      socket.destroy(new Error(`the lab in ${dir} did not answer within ${limitMs} ms`)),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isShut = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      fail(isShut ? new Error(`the lab in ${dir} takes no orders: it is being made still, or ends`) : error);
    });
    socket.on('close', () => fail(new Error(`the lab in ${dir} ended`)));
    onLines(socket, (line) => {
      const reply: Reply = JSON.parse(line);
      if (reply.kind === 'done') settle(reply.value);
      else fail(new Error(reply.why));
      socket.end();
    });
    socket.write(`${JSON.stringify(request)}\n`);
  });
}

function onLines(socket: Socket, receive: (line: string) => void): void {
  let text = '';
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (more) => {
    text += more;
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) receive(line);
  });
}
