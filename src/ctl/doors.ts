import type { CtlRead, CtlSettings } from '../codec/config/ctl.ts';
import type { Cluster } from '../model/cluster.ts';
import type { RuleTexts } from '../model/moment.ts';
import type { DcsOutcome } from '../model/outcome.ts';
import type { EtcdSettings } from '../model/settings.ts';
import type { Revision } from '../model/units.ts';
import type { Chance, Clock, Files, Http } from '../model/world.ts';
import { refuse } from './problem.ts';
import type { Terminal } from './terminal.ts';

/** One cluster in etcd. `key` is the name below the cluster's prefix: config, failover. */
export interface ClusterDoor {
  /** Everything below the prefix, linearizable. */
  read(): Promise<DcsOutcome<Cluster>>;
  /** `modRevision` null: the key must be absent; 'any': no compare. */
  put(key: 'config' | 'failover', text: string, modRevision: Revision | null | 'any'): Promise<DcsOutcome<null>>;
}

/** What the commands need from outside; `bin` wires it. */
export interface CtlDoors {
  readonly version: string;
  readonly terminal: Terminal;
  /** What each rule of this version says when it speaks, by its name. */
  readonly rules: RuleTexts;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly files: Files;
  /** Null: the default place. */
  settings(file: string | null): Promise<CtlRead>;
  openCluster(etcd: EtcdSettings, place: { readonly namespace: string; readonly scope: string }): ClusterDoor;
  openHttp(settings: CtlSettings): Http;
  readYaml(
    text: string,
  ): { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'wrong'; readonly why: string };
  /** Lets a person edit the text in an editor. */
  edit(
    text: string,
    name: string,
  ): Promise<{ readonly kind: 'edited'; readonly text: string } | { readonly kind: 'failed'; readonly why: string }>;
}

/** What a command on one cluster works with. */
export interface Ctl {
  readonly doors: CtlDoors;
  readonly settings: CtlSettings;
  readonly scope: string;
  readonly door: ClusterDoor;
  readonly http: Http;
  /** One line on stdout. */
  say(line: string): void;
}

/** A fresh, linearizable look. Commands never act on an old one. */
export async function readCluster(ctl: Pick<Ctl, 'door'>): Promise<Cluster> {
  const read = await ctl.door.read();
  return read.kind === 'done' ? read.value : refuse(`the cluster cannot be read from etcd: ${read.why}`);
}
