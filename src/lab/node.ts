import { writeFileSync } from 'node:fs';
import { psqlEnv } from './environment.ts';
import { fakeClockEnv } from './faults/fakeClock.ts';
import type { Machine, User } from './ground.ts';
import type { LabPlan } from './plan.ts';
import { type Proc, signal, standsStill } from './procfs.ts';
import { type Ran, run, until } from './run.ts';
import { mainProcess, type Service, wholeService } from './services.ts';
import { agentConfig, agentShellCommand, etcdCommand } from './texts.ts';

export interface ExecOptions {
  readonly user?: User;
  readonly limitMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export type ServiceSignal = 'KILL' | 'STOP' | 'CONT' | 'TERM' | 'INT' | 'QUIT' | 'HUP';

/** A machine of the lab and what runs on it, as tests and commands handle it. */
export interface LabNode {
  readonly name: string;
  readonly machine: Machine;
  powerOn(): Promise<void>;
  powerOff(): Promise<void>;
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** Signals the main process (STOP and CONT: PostgreSQL's children as well). Throws when there is none. */
  kill(service: Service, signal?: ServiceSignal): Promise<void>;
  /** Done when every thread stands still. */
  freeze(service: Service): Promise<void>;
  thaw(service: Service): Promise<void>;
  start(service: Service): Promise<void>;
  process(service: Service): Proc | null;
  /** As root unless told, with psql's variables set; the command ends with the caller. */
  exec(argv: readonly string[], options?: ExecOptions): Promise<Ran>;
  /** The command to run on the host for the same, with a terminal of one's own. */
  inside(argv: readonly string[], user: User): readonly string[];
}

export interface NodeHooks {
  readonly plan: LabPlan;
  logPath(name: string, service: string): string;
  clientIsOn(machine: Machine): Promise<void>;
}

export function makeNode(machine: Machine, hooks: NodeHooks): LabNode {
  const { plan } = hooks;
  const own = machine.plan;
  const agentShell = agentShellCommand(plan, own);
  const env = psqlEnv(own, plan.haproxy.writes);
  const startAs = (service: string, argv: readonly string[], more?: Readonly<Record<string, string>>): Promise<void> =>
    machine.launch(argv, {
      user: 'postgres',
      logPath: hooks.logPath(own.name, service),
      ...(more === undefined ? {} : { env: more }),
    });

  async function start(service: Service): Promise<void> {
    if (mainProcess(service, machine.processes(), agentShell) !== null)
      throw new Error(`${service} runs on ${own.name}`);
    switch (service) {
      case 'etcd':
        if (!own.etcd) throw new Error(`${own.name} is no member of etcd`);
        return startAs(service, etcdCommand(plan, own));
      case 'agent':
        // Restarted by nobody but the lab: a killed agent stays dead until `lab start`.
        return startAs(service, ['sh', '-c', `exec ${agentShell}`], {
          MATRIARCH_SUPERVISED: '1',
          ...(plan.fakeClocks ? fakeClockEnv : {}),
        });
      case 'postgres':
        // By hand, behind the agent's back, with the options it was last started with.
        return startAs(service, ['sh', '-c', `eval "exec $(cat '${own.paths.dataDir}/postmaster.opts')"`]);
      case 'haproxy':
        return startAs(service, ['haproxy', '-db', '-f', own.paths.haproxyConfig]);
      case 'guardian':
      case 'sentinel':
        throw new Error(`the agent starts its ${service} itself`);
      default:
        return service satisfies never;
    }
  }
  async function startAll(): Promise<void> {
    if (own.kind === 'client') {
      await start('haproxy');
      return hooks.clientIsOn(machine);
    }
    if (own.etcd) await start('etcd');
    if (plan.agentCommand !== null) await start('agent');
  }
  async function kill(service: Service, name: ServiceSignal = 'KILL'): Promise<void> {
    const procs = machine.processes();
    const main = mainProcess(service, procs, agentShell);
    if (main === null) throw new Error(`${service} does not run on ${own.name}`);
    const whole = name === 'STOP' || name === 'CONT' ? wholeService(service, procs, agentShell) : [main];
    for (const { pid } of whole) signal(pid, `SIG${name}`);
    if (name === 'STOP') await until(async () => (whole.every(({ pid }) => standsStill(pid)) ? true : null), 2_000);
  }

  if (own.kind === 'node') writeFileSync(machine.hostPath(own.paths.config), agentConfig(plan, own), { mode: 0o644 });
  return {
    name: own.name,
    machine,
    async powerOn() {
      if (machine.isOn()) return;
      await machine.powerOn();
      await startAll();
    },
    powerOff: machine.powerOff,
    cut: machine.cut,
    heal: machine.heal,
    kill,
    freeze: (service) => kill(service, 'STOP'),
    thaw: (service) => kill(service, 'CONT'),
    async start(service) {
      // The process before it may be on its way out still.
      await until(() => (mainProcess(service, machine.processes(), agentShell) === null ? true : null), 500);
      await start(service);
    },
    process: (service) => mainProcess(service, machine.processes(), agentShell),
    exec: (argv, { user = 'root', env: more, ...rest } = {}) =>
      run(machine.inside(argv, user, { ...env, ...more }), rest),
    inside: (argv, user) => machine.inside(argv, user, env),
  };
}
