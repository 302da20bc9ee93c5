import { PassThrough } from 'node:stream';
import { parse } from 'yaml';
import type { CtlSettings } from '../../../src/codec/config/ctl.ts';
import type { Ctl, CtlDoors } from '../../../src/ctl/doors.ts';
import { Aborted, CtlError } from '../../../src/ctl/problem.ts';
import { makeTerminal } from '../../../src/ctl/terminal.ts';
import type { Cluster } from '../../../src/model/cluster.ts';
import { instantMs, revision, wallMs } from '../../../src/model/units.ts';
import type { Files, HttpReply } from '../../../src/model/world.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

export interface PlaceOptions {
  /** Piped in at once, and then the input ends. */
  readonly input?: string;
  readonly cluster: () => Cluster;
  readonly agents?: (asked: Asked) => HttpReply;
  readonly files?: Readonly<Record<string, string>>;
  readonly edit?: (text: string) => string;
}

export const answer = (status: number, body: string): HttpReply => ({ kind: 'answered', status, headers: {}, body });

/** A cluster, its agents and a piped terminal, all small. Time passes only while somebody sleeps. */
export async function runAt(options: PlaceOptions, command: (ctl: Ctl) => Promise<void>) {
  const input = new PassThrough();
  const [out, err] = [new PassThrough(), new PassThrough()];
  input.end(options.input ?? '');
  const asked: Asked[] = [];
  const written: { key: string; text: string }[] = [];
  let nowMs = 0;
  const files: Pick<Files, 'read' | 'list'> = {
    list: async (path) => {
      const below = Object.keys(options.files ?? {}).filter((name) => name.startsWith(`${path}/`));
      const names = below.map((name) => name.slice(path.length + 1));
      return names.length === 0 ? { kind: 'absent' } : { kind: 'entries', names };
    },
    read: async (path) => {
      const text = options.files?.[path];
      return text === undefined ? { kind: 'absent' } : { kind: 'text', text };
    },
  };
  const doors = {
    version: '0.1.0',
    rules: new Map([['paused', 'people are at work']]),
    terminal: makeTerminal(input, out, err),
    clock: {
      now: () => instantMs(nowMs),
      wall: () => wallMs(new Date(2026, 10, 23, 1, 47, 55, 697).getTime() + nowMs),
      at: () => () => undefined,
      sleep: async (ms: number) => {
        nowMs += ms;
      },
    },
    chance: { below: () => 0, hex: () => '' },
    files: files as Files,
    readYaml: (text: string) => ({ kind: 'value', value: parse(text, { version: '1.1' }) }),
    edit: async (text: string) => ({ kind: 'edited', text: options.edit?.(text) ?? text }),
  } satisfies Partial<CtlDoors>;
  const settings: CtlSettings = {
    scope: 'demo',
    namespace: 'service',
    etcd: null,
    node: { name: 'node1', api: { host: '127.0.0.1', port: 18008 }, stateDir: '/state' },
    rest: { tls: null, authentication: null },
    restCaFile: null,
    ctl: {
      authentication: { username: 'admin', password: 'x' },
      insecure: false,
      cacert: null,
      certFile: null,
      keyFile: null,
    },
  };
  const ctl: Ctl = {
    doors: doors as unknown as CtlDoors,
    settings,
    scope: 'demo',
    door: {
      read: async () => ({ kind: 'done', value: options.cluster(), revision: revision(1n), sentMs: 0 }),
      put: async (key, text, modRevision) => {
        if (modRevision !== 'any' && modRevision !== revision(3n)) return { kind: 'refused', why: 'changed' };
        written.push({ key, text });
        return { kind: 'done', value: null, revision: revision(2n), sentMs: 0 };
      },
    },
    http: {
      request: async (url, { method, body }) => {
        asked.push({ method, url, body: body === undefined ? undefined : JSON.parse(body) });
        return options.agents?.(asked.at(-1) as Asked) ?? { kind: 'silent', why: 'dead' };
      },
    },
    say: (line) => doors.terminal.out(`${line}\n`),
  };
  let error: string | null = null;
  try {
    await command(ctl);
  } catch (caught) {
    if (caught instanceof CtlError) error = caught.message;
    else if (caught instanceof Aborted) error = 'Aborted!';
    else throw caught;
  }
  doors.terminal.close();
  return { out: String(out.read() ?? ''), err: String(err.read() ?? ''), error, asked, written };
}
