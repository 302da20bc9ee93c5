import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { type Identity, identityOf, isAlive, signal, workingBelow } from './procfs.ts';
import { run, until } from './run.ts';

/** The folder of a lab, and who holds it. */

const home = '/var/tmp';
const prefix = 'matriarch-lab-';

/** state.json: written before anything else is made, so that the next lab can clean up after this one. */
export interface LabState {
  readonly bootId: string;
  /** The process that keeps the lab. */
  readonly holder: Identity;
  /** The process whose death ends every machine; null where there are no namespaces. */
  readonly ground: Identity | null;
  readonly startedWall: string;
  /** up: somebody keeps it to try things on, and it takes orders. run: it is a run's, a bench's or a test's own, and takes none. */
  readonly keptBy: KeptBy;
}

export type KeptBy = 'up' | 'run';

export interface FoundLab {
  readonly dir: string;
  readonly state: LabState | null;
  readonly running: boolean;
}

/** Labs of this user's, running or left behind. */
export function findLabs(): readonly FoundLab[] {
  return readdirSync(home)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(home, name))
    .filter(isMine)
    .map(look);
}

export function look(dir: string): FoundLab {
  const state = readState(dir);
  return { dir, state, running: state !== null && isHere(state) && isAlive(state.holder) };
}

/** A new folder, held by this process; what dead labs left behind goes first. */
export async function takePlace(wanted: string | null, keptBy: KeptBy, say: (text: string) => void): Promise<string> {
  for (const lab of findLabs()) if (!lab.running && !isBeingMade(lab)) await clean(lab, say);
  const dir = wanted === null ? takeNumbered() : await takeNamed(resolve(wanted), say);
  writeState(dir, { ground: null, keptBy });
  return dir;
}

export function writeState(dir: string, rest: Pick<LabState, 'ground' | 'keptBy'>): void {
  const holder = identityOf(process.pid);
  if (holder === null) throw new Error('/proc does not show this process: a lab needs /proc');
  const state: LabState = { bootId: bootId(), holder, startedWall: new Date().toISOString(), ...rest };
  writeFileSync(join(dir, 'state.json'), `${JSON.stringify(state, null, 2)}\n`);
}

/** Ends what a dead holder left running, and removes the folder. */
export async function clean(lab: FoundLab, say: (text: string) => void): Promise<void> {
  say(`cleaning up after the lab in ${lab.dir}, whose process is gone`);
  const ground = lab.state?.ground ?? null;
  if (ground !== null && lab.state !== null && isHere(lab.state) && isAlive(ground)) {
    signal(ground.pid, 'SIGKILL');
    await until(() => (isAlive(ground) ? null : true), 5000);
  }
  await endLeftovers(lab.dir);
  await removePlace(lab.dir);
}

/** Processes that work in the lab's folder: only a lab without namespaces can leave any. */
async function endLeftovers(dir: string): Promise<void> {
  await until(() => {
    const left = workingBelow(dir).filter(({ pid }) => pid !== process.pid);
    for (const { pid } of left) signal(pid, 'SIGKILL');
    return left.length === 0 ? true : null;
  }, 5000);
}

export async function removePlace(dir: string): Promise<void> {
  await detachLoops(dir);
  rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** The kernel frees a loop device with its last mount; this is for the case that it did not. */
async function detachLoops(dir: string): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const mine = async (): Promise<readonly string[]> => {
    const { stdout } = await run(['losetup', '--list', '--noheadings', '--output', 'NAME,BACK-FILE']);
    return stdout
      .split('\n')
      .filter((line) => line.includes(`${dir}/`))
      .map((line) => line.split(/\s/)[0] ?? '');
  };
  const free = await until(async () => ((await mine()).length === 0 ? true : null), 1000);
  if (free === null) for (const device of await mine()) await run(['losetup', '--detach', device]);
}

function takeNumbered(): string {
  for (let number = 0; number < 1000; number++) {
    const dir = join(home, `${prefix}${number}`);
    if (makeNew(dir)) return dir;
  }
  throw new Error(`no free name ${home}/${prefix}<number>`);
}

async function takeNamed(dir: string, say: (text: string) => void): Promise<string> {
  if (!isAbsolute(dir)) throw new Error(`not a folder: ${dir}`);
  if (makeNew(dir)) return dir;
  const lab = look(dir);
  if (lab.running) throw new Error(`a lab is running in ${dir} (process ${lab.state?.holder.pid})`);
  if (readdirSync(dir).length > 0) {
    if (lab.state === null) throw new Error(`${dir} is not empty and not a lab's folder`);
    await clean(lab, say);
    mkdirSync(dir, { mode: 0o755 });
  }
  return dir;
}

/** False: there is something of that name already. */
function makeNew(dir: string): boolean {
  try {
    mkdirSync(dir, { mode: 0o755 });
    return true;
  } catch (error) {
    if (lstatSync(dir, { throwIfNoEntry: false }) !== undefined) return false;
    throw new Error(`the lab's folder ${dir} could not be made`, { cause: error });
  }
}

function readState(dir: string): LabState | null {
  try {
    return JSON.parse(readFileSync(join(dir, 'state.json'), 'utf8'));
  } catch {
    return null;
  }
}

/** Anyone may make names in /var/tmp: what another user made is none of ours. */
function isMine(dir: string): boolean {
  const stat = lstatSync(dir, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

/** Between making the folder and writing the state. */
const isBeingMade = ({ dir, state }: FoundLab): boolean =>
  state === null && Date.now() - (lstatSync(dir, { throwIfNoEntry: false })?.ctimeMs ?? 0) < 5000;

const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
const isHere = (state: LabState): boolean => state.bootId === bootId();
