import type { LiveMessage, Picture, ProxyPicture } from '../../model/live.ts';
import type { Album } from '../album.ts';
import type { Lab } from '../lab.ts';
import { inOurTime } from '../ourTime.ts';
import { ownAgentCommand } from '../plan.ts';
import type { Playhouse } from '../scenario/playhouse.ts';
import { type LabStatus, lookAtMachine, type MachineStatus, sightOf } from '../status.ts';
import { assemble } from './assemble.ts';
import { readDeadJournal } from './deadJournal.ts';
import { type Hearing, hearAgent } from './hear.ts';
import { type LaneTail, makeLaneTail } from './lanes.ts';
import { askEtcd, askProxies } from './services.ts';

/** An agent's clock may be set wrong; the page counts by ours. */
function leaseInOurTime({ picture, wallMs }: Extract<LiveMessage, { kind: 'picture' }>): Picture {
  const aheadMs = wallMs - Date.now();
  if (Math.abs(aheadMs) < 2_000) return picture;
  const machines = picture.machines.map((machine) => {
    const lease = machine.own?.lease ?? null;
    if (machine.own === null || lease === null) return machine;
    return { ...machine, own: { ...machine.own, lease: { ...lease, endsWallMs: lease.endsWallMs - aheadMs } } };
  });
  return { ...picture, machines };
}

/** Gathers what is known of a lab while somebody looks at its page; nothing of it runs otherwise. */
export interface Hub {
  /** Sends texts of messages from now on, beginning with all that is known; gives what ends that. */
  look(send: (text: string) => void): () => void;
  /** Somebody did something: look now, not at the next turn. */
  stir(): void;
  end(): void;
}

/** Processes, power and cables: read from /proc. */
const glanceEveryMs = 50;
/** Questions to etcd, HAProxy, and agents that tell nothing by themselves. */
const askEveryMs = 700;
const gatherMs = 10;
const pulseEveryMs = 5_000;
/** A page that is loaded again finds everything still there. */
const lingerMs = 3_000;
const happeningsMost = 200;

export function makeHub(lab: Lab, album: Album, playhouse: Playhouse): Hub {
  const { plan } = lab;
  const nodes = lab.nodes.map(({ machine }) => machine);
  const all = [...nodes, lab.client.machine];
  const tails: readonly LaneTail[] = [
    makeLaneTail('write', lab.logPath('client', 'writer')),
    makeLaneTail('read', lab.logPath('client', 'reader')),
  ];
  const sinceWallMs = Date.now();
  const lookers = new Set<(text: string) => void>();
  const heard = new Map<string, Picture>();
  let machines: readonly MachineStatus[] = [];
  let etcd: ReadonlyMap<string, string | null> = new Map();
  let proxies: readonly ProxyPicture[] | null = null;
  let asked: LabStatus | null = null;
  let last = '';
  let due = false;
  let running: { stop(): void } | null = null;
  let lingering: NodeJS.Timeout | null = null;

  /** Agents of another kind have no guardian: none is missing. */
  function withoutForeign(status: MachineStatus): MachineStatus {
    if (plan.agentCommand === ownAgentCommand) return status;
    const { guardian: _, ...processes } = status.processes;
    return { ...status, processes };
  }
  const textOf = (message: LiveMessage): string => JSON.stringify(message);
  const send = (text: string): void => lookers.forEach((to) => void to(text));
  const playText = (): string => textOf({ kind: 'play', play: playhouse.play() });
  const picture = (): Picture =>
    assemble({
      scope: plan.scope,
      cables: lab.kind === 'namespaces',
      sinceWallMs,
      machines,
      heard,
      etcd,
      proxies,
      asked,
    });

  function glance(): void {
    machines = all.map((machine) => withoutForeign(lookAtMachine(machine, sightOf(plan, machine))));
    const lanes = tails.flatMap((tail) => tail.more() ?? []);
    if (lanes.length > 0) send(textOf({ kind: 'lanes', lanes }));
    publishSoon();
  }
  /** Nobody looked so far: what those saw who cannot be asked any more. */
  function recall(): void {
    for (const { machine, process } of lab.nodes) if (process('agent') === null) album.add(readDeadJournal(machine));
  }
  async function ask(): Promise<void> {
    const etcds = nodes.filter((machine) => machine.plan.etcd);
    const isTold = [...heard.values()].some(({ toldBy }) => toldBy !== null);
    const [notes, seen, status] = await Promise.all([
      Promise.all(etcds.map(async (machine) => [machine.plan.name, await askEtcd(machine)] as const)),
      plan.ports === null ? null : askProxies(plan.ports),
      isTold ? null : lab.status(),
    ]);
    etcd = new Map(notes);
    proxies = seen;
    asked = status;
    publishSoon();
  }
  function publishSoon(): void {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      const now = picture();
      const text = JSON.stringify(now);
      if (text === last) return;
      last = text;
      send(textOf({ kind: 'picture', wallMs: Date.now(), picture: now }));
    }, gatherMs);
  }
  function start(): { stop(): void } {
    const hearings = nodes.map((machine): Hearing => {
      const { name } = machine.plan;
      return hearAgent(
        machine,
        (message) => {
          if (message.kind === 'happened') album.add(message.happenings.map(inOurTime));
          if (message.kind !== 'picture') return;
          heard.set(name, leaseInOurTime(message));
          publishSoon();
        },
        () => {
          if (heard.delete(name)) publishSoon();
        },
      );
    });
    const deafen = album.listen((happenings) => send(textOf({ kind: 'happened', happenings })));
    const leave = playhouse.listen(() => send(playText()));
    const glancing = setInterval(glance, glanceEveryMs);
    const pulsing = setInterval(() => send(textOf({ kind: 'pulse', wallMs: Date.now() })), pulseEveryMs);
    let stopped = false;
    let asking: NodeJS.Timeout | null = null;
    const askOn = (): void =>
      void ask()
        .catch(() => {}) // a machine lost its power while it was asked
        .finally(() => {
          if (!stopped) asking = setTimeout(askOn, askEveryMs);
        });
    askOn();
    return {
      stop() {
        stopped = true;
        for (const hearing of hearings) hearing.end();
        deafen();
        leave();
        clearInterval(glancing);
        clearInterval(pulsing);
        if (asking !== null) clearTimeout(asking);
        heard.clear();
      },
    };
  }
  function rest(): void {
    running?.stop();
    running = null;
  }

  return {
    look(to) {
      if (lingering !== null) clearTimeout(lingering);
      if (running === null) recall();
      running ??= start();
      glance();
      to(textOf({ kind: 'picture', wallMs: Date.now(), picture: picture() }));
      to(textOf({ kind: 'happened', happenings: album.all().slice(-happeningsMost) }));
      to(textOf({ kind: 'lanes', lanes: tails.map((tail) => tail.all()) }));
      to(textOf({ kind: 'scenarios', scenarios: playhouse.scenarios }));
      to(playText());
      lookers.add(to);
      return () => {
        lookers.delete(to);
        if (lookers.size === 0) lingering = setTimeout(rest, lingerMs);
      };
    },
    stir() {
      if (running !== null) glance();
    },
    end() {
      if (lingering !== null) clearTimeout(lingering);
      rest();
    },
  };
}
