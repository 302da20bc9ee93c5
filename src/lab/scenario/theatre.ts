import { readFileSync } from 'node:fs';
import type { Scenario } from '../../model/scenario.ts';
import type { Lab } from '../lab.ts';
import { type LabOptions, makeLab } from '../lab.ts';
import { type RightsWatch, watchRights } from '../rights.ts';
import { makeWitnesses, type Witnesses } from '../witness.ts';

/** A lab with everything that watches it: scenarios with the same set-up are played in it one after the other. */
export interface Theatre {
  readonly lab: Lab;
  readonly setUp: string;
  readonly rights: RightsWatch;
  readonly witnesses: Witnesses;
  end(): Promise<void>;
}

export interface TheatreOptions {
  /** Of the leader lease, where the scenario does not say. */
  readonly ttlS: number;
  /** Null: our own agent. */
  readonly agentCommand: string | null;
  readonly say: (line: string) => void;
  readonly began: (end: () => Promise<void>) => void;
}

/** Two scenarios whose set-ups give the same text can share a lab. */
export function setUpOf({ setUp }: Scenario, options: Pick<TheatreOptions, 'ttlS' | 'agentCommand'>): string {
  const { nodes, diskMb, fakeClocks, config } = setUp;
  return JSON.stringify({ nodes, diskMb, fakeClocks, config, ttlS: setUp.ttlS ?? options.ttlS });
}

const healthyLimitMs = 180_000;

export async function openTheatre(scenario: Scenario, options: TheatreOptions): Promise<Theatre> {
  const { setUp } = scenario;
  const labOptions: LabOptions = {
    nodes: setUp.nodes,
    ttlS: setUp.ttlS ?? options.ttlS,
    diskMb: setUp.diskMb,
    portBase: null,
    fakeClocks: setUp.fakeClocks,
    extraConfig: () => setUp.config,
    say: options.say,
    began: options.began,
    ...(options.agentCommand === null ? {} : { agentCommand: options.agentCommand }),
  };
  const lab = await makeLab(labOptions);
  const rights = watchRights(lab);
  const end = async (): Promise<void> => {
    rights.end();
    await lab.down();
  };
  options.began(end);
  try {
    await lab.waitHealthy(healthyLimitMs).catch((error: unknown) => {
      throw new Error(`${error instanceof Error ? error.message : String(error)}${lastWords(lab)}`);
    });
    const witnesses = makeWitnesses(lab);
    for (const { name } of lab.nodes) await witnesses.start(name);
    return { lab, setUp: setUpOf(scenario, options), rights, witnesses, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A healthy lab that somebody keeps, watched for one scenario: what is put on its machines for that goes again. */
export async function borrowTheatre(lab: Lab): Promise<Theatre> {
  const rights = watchRights(lab);
  const witnesses = makeWitnesses(lab);
  const end = async (): Promise<void> => {
    rights.end();
    lab.slowDisks.end();
    await witnesses.stop();
  };
  try {
    for (const { name } of lab.nodes) await witnesses.start(name);
    return { lab, setUp: 'borrowed', rights, witnesses, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** What the first agent said last: its log goes with the lab. */
function lastWords(lab: Lab): string {
  const [first] = lab.nodes;
  if (first === undefined) return '';
  const lines = readFileSync(lab.logPath(first.name, 'agent'), 'utf8').trimEnd().split('\n');
  return `; the agent of ${first.name} said last: ${lines.at(-1)?.slice(0, 300)}`;
}
