import { guardianPidFile, readIdentity, socketFile } from '../../codec/guard.ts';
import type { GuardReply } from '../../model/guard.ts';
import { instantMs } from '../../model/units.ts';
import type { Command, World } from '../../model/world.ts';
import { type GuardPeer, makeGuardPeer } from './peer.ts';

const connectLimitMs = 500;
const helloLimitMs = 1_000;
/** How long a guardian just started may take until it listens. */
const startLimitMs = 5_000;
const retryMs = 25;

type JoinWorld = Pick<World, 'clock' | 'files' | 'processes' | 'sockets'>;

export type Joined =
  | { readonly kind: 'joined'; readonly peer: GuardPeer; readonly hello: GuardReply }
  | { readonly kind: 'failed'; readonly why: string };

/** Finds the guardian of the state directory, or starts one, and says hello to it. */
export async function joinGuardian(
  world: JoinWorld,
  parts: {
    readonly stateDir: string;
    readonly launchGuardian: Command;
    readonly heard: Parameters<typeof makeGuardPeer>[2];
  },
): Promise<Joined> {
  const running = await tryJoin(world, parts);
  if (running.kind === 'joined') return running;
  // One that holds the place but does not answer is frozen or lost: another can only come in its stead.
  if (running.kind === 'silent') await killSilent(world, parts.stateDir);

  const launched = await world.processes.launch(parts.launchGuardian, `${parts.stateDir}/guardian.out`);
  if (launched.kind === 'failed') return { kind: 'failed', why: `the guardian cannot be started: ${launched.why}` };
  const endMs = instantMs(world.clock.now() + startLimitMs);
  let last: string = running.why;
  while (world.clock.now() < endMs) {
    await world.clock.sleep(retryMs);
    const joined = await tryJoin(world, parts);
    if (joined.kind === 'joined') return joined;
    last = joined.why;
    const started = world.processes.describe(launched.pid);
    if (started === null || started.state === 'dead')
      return { kind: 'failed', why: `the guardian ended at once: see ${parts.stateDir}/guardian.out (${last})` };
  }
  return { kind: 'failed', why: `the guardian does not answer: ${last}` };
}

async function tryJoin(
  world: JoinWorld,
  { stateDir, heard }: Parameters<typeof joinGuardian>[1],
): Promise<Exclude<Joined, { kind: 'failed' }> | { readonly kind: 'nobody' | 'silent'; readonly why: string }> {
  const connected = await world.sockets.connect(socketFile(stateDir), connectLimitMs);
  if (connected.kind === 'failed') return { kind: 'nobody', why: connected.why };
  let told = false;
  const peer = makeGuardPeer(world, connected.connection, {
    note: heard.note,
    closed: () => {
      if (told) heard.closed(); // the end of a conversation that never began is nobody's business
    },
  });
  const hello = await peer.ask({ ask: 'hello', agentPid: world.processes.myPid }, helloLimitMs);
  if (hello === null) {
    peer.close();
    return { kind: 'silent', why: 'it does not answer hello' };
  }
  told = true;
  return { kind: 'joined', peer, hello };
}

async function killSilent(world: JoinWorld, stateDir: string): Promise<void> {
  const file = await world.files.read(guardianPidFile(stateDir));
  const identity = file.kind === 'text' ? readIdentity(file.text) : null;
  const found = identity === null ? null : world.processes.describe(identity.pid);
  if (found === null || found.startTicks !== identity?.startTicks) return;
  world.processes.signal(found.pid, 'KILL');
}
