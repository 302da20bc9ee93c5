import type { Direction } from './faults/network.ts';
import type { MachinePlan } from './plan.ts';
import type { Proc } from './procfs.ts';

/** What machines stand on: namespaces (as root) or folders and loopback addresses. */
export interface Ground {
  readonly kind: 'namespaces' | 'loopback';
  machine(plan: MachinePlan): Machine;
  /** Everything of the lab's dies at once. Bounded; the folder stays. */
  end(): Promise<void>;
}

export type User = 'root' | 'postgres';

export interface LaunchOptions {
  readonly user: User;
  /** On the host; appended to. */
  readonly logPath: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Machine {
  readonly kind: Ground['kind'];
  readonly plan: MachinePlan;
  isOn(): boolean;
  isCabled(): boolean;
  /** Whose packets are lost: none on a cable that is whole. */
  losing(): readonly Direction[];
  powerOn(): Promise<void>;
  /** Everything on it dies at once. Its disk stays, and what the kernel had not yet written to it too. */
  powerOff(): Promise<void>;
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** The cable works in one direction only, until `loseNothing`, or the end of the power. */
  lose(direction: Direction): Promise<void>;
  loseNothing(): Promise<void>;
  /** Starts something in the background, in a session of its own. */
  launch(argv: readonly string[], options: LaunchOptions): Promise<void>;
  /** The whole command to run on the host so that `argv` runs on the machine. */
  inside(argv: readonly string[], user: User, env?: Readonly<Record<string, string>>): readonly string[];
  /** The same for something that only needs the machine's network: no fork, so that killing it kills it. */
  onItsNetwork(argv: readonly string[]): readonly string[];
  processes(): readonly Proc[];
  /** Where the host reads the machine's own file, also when its power is off. */
  hostPath(path: string): string;
}
