import type { EtcdCall, EtcdReply, EtcdTransport } from '../../model/world.ts';
import type { Machine } from '../machine.ts';
import type { Network } from '../network.ts';
import type { SimProcess } from '../process.ts';
import type { SimulatedEtcd } from './etcd.ts';
import type { RaftMember } from './raft.ts';

/** One process's requests to single members, over the wire. */
export function makeSimulatedTransport(
  etcd: SimulatedEtcd,
  network: Network,
  machine: Machine,
  self: SimProcess,
): EtcdTransport {
  const here = machine.name;
  const isShutOut = (): boolean => etcd.shutOut.has(here);
  const send: Network['send'] = (from, to, arrive, options) => {
    if (!isShutOut()) network.send(from, to, () => void (isShutOut() || arrive()), options);
  };
  /** Endpoints to which a connection stands, by the server process it stands to. */
  const connected = new Map<string, SimProcess>();

  /** Settles with the server's process, or with why there is no connection. Silence when the wire or the host is dead. */
  function connect(endpoint: string, member: RaftMember, done: (server: SimProcess | null) => void): void {
    const known = connected.get(endpoint);
    if (known !== undefined && known.state() !== 'dead') {
      done(known);
      return;
    }
    connected.delete(endpoint);
    send(here, member.host, () => {
      if (!etcd.machineOf(member).powered()) return;
      const server = member.process;
      send(member.host, here, () =>
        self.deliver(() => {
          if (server !== null && server.state() !== 'dead') connected.set(endpoint, server);
          done(server?.state() === 'dead' ? null : server);
        }),
      );
    });
  }

  return {
    call<C extends EtcdCall>(
      endpoint: string,
      call: C,
      ask: Parameters<typeof etcd.server.handle<C>>[2],
      limitMs: number,
    ) {
      return new Promise<EtcdReply<C>>((resolve) => {
        const member = etcd.memberAt(endpoint);
        let sent = false;
        let settled = false;
        let forget = (): void => {};
        const settle = (reply: EtcdReply<C>): void => {
          settled = true;
          forget();
          stopWaiting();
          self.deliver(() => resolve(reply));
        };
        const stopWaiting = self.after(Math.max(limitMs, 0), () =>
          settle(
            sent
              ? { kind: 'lost', why: `no answer within ${limitMs} ms` }
              : { kind: 'unsent', why: `no connection within ${limitMs} ms` },
          ),
        );
        if (member === null)
          return self.after(0.1, () => !settled && settle({ kind: 'unsent', why: `${endpoint}: unknown host` }));
        connect(endpoint, member, (server) => {
          if (settled) return;
          if (server === null) return settle({ kind: 'unsent', why: 'connect ECONNREFUSED' });
          sent = true;
          // The kernel of a live host says that the process behind a connection has ended; a dead host says nothing.
          forget = server.onEnd(() => {
            if (!etcd.machineOf(member).powered()) return;
            send(member.host, here, () => !settled && settle({ kind: 'lost', why: 'read ECONNRESET' }));
          });
          const unheard = (): void => etcd.server.handle(etcd.raft.leader() ?? member, call, ask, () => {});
          if (etcd.stuck.holds(here, ask, unheard)) return;
          // Not withdrawn when the caller gives up: it may arrive, and be carried out, much later.
          send(here, member.host, () =>
            server.deliver(() =>
              etcd.server.handle(member, call, ask, (reply) =>
                send(member.host, here, () => !settled && settle(reply), { wanted: () => !settled }),
              ),
            ),
          );
        });
      });
    },

    watch(endpoint, ask, _token, receive) {
      const member = etcd.memberAt(endpoint);
      let open = true;
      let remote: { progress(): void; close(): void } | null = null;
      const up = member === null ? null : network.stream(here, member.host);
      const wire = member === null ? null : network.stream(member.host, here);
      // What is lost meanwhile is not told later: the connection breaks.
      let broken = false;
      const down =
        wire === null
          ? null
          : {
              send(arrive: () => void): void {
                wire.send(() => {
                  if (isShutOut()) broken = true;
                  else if (broken) end('read ECONNRESET');
                  else arrive();
                });
              },
              close: () => wire.close(),
            };
      const close = (): void => {
        if (!open) return;
        open = false;
        up?.close();
        down?.close();
        // The server hears of it, or finds out by itself much later; it sends into nothing until then.
        remote?.close();
      };
      const end = (why: string): void => {
        if (!open) return;
        close();
        self.deliver(() => receive({ kind: 'ended', why }));
      };
      self.onEnd(close);
      if (member === null || up === null || down === null) {
        self.after(0.1, () => end(`${endpoint}: unknown host`));
        return { askProgress() {}, close };
      }
      up.send(() => {
        if (isShutOut()) return;
        if (!etcd.machineOf(member).powered()) return;
        const server = member.process;
        if (server === null) return down.send(() => end('connect ECONNREFUSED'));
        server.onEnd(() => void (etcd.machineOf(member).powered() && down.send(() => end('read ECONNRESET'))));
        server.deliver(() => {
          if (!open) return;
          remote = etcd.watches.open(member, ask, (message) =>
            down.send(() => {
              if (message.kind === 'ended') return end(message.why);
              self.deliver(() => open && receive(message));
            }),
          );
        });
      });
      return {
        askProgress: () => void (open && up.send(() => member.process?.deliver(() => remote?.progress()))),
        close,
      };
    },

    cut: (endpoint) => void connected.delete(endpoint),
    resolveSrv: () => Promise.resolve([]),
  };
}
