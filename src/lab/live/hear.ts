import { type ChildProcess, spawn } from 'node:child_process';
import type { LiveMessage } from '../../model/live.ts';
import { agentPort, askCommand, parsed } from '../ask.ts';
import type { Machine } from '../ground.ts';
import { delay, toolEnv } from '../run.ts';

/** Listens to what an agent tells of itself, from inside its machine's network: a cut cable hides nothing. */
export interface Hearing {
  end(): void;
}

const againMs = 300;
/** An agent of another kind answers, but not this: it is asked again in case it is replaced. */
const foreignAgainMs = 3_000;

export function hearAgent(machine: Machine, receive: (message: LiveMessage) => void, lost: () => void): Hearing {
  let over = false;
  let child: ChildProcess | null = null;

  async function run(): Promise<void> {
    while (!over) {
      const speaks = machine.isOn() && (await listen().catch(() => true)); // its power may go at any moment
      lost();
      if (!over) await delay(speaks || !machine.isOn() ? againMs : foreignAgainMs);
    }
  }
  /** Until the stream ends. False: what answered was no stream. */
  async function listen(): Promise<boolean> {
    const question = { method: 'GET', port: agentPort, path: '/ui/stream' } as const;
    const [program = '', ...args] = askCommand(machine, question);
    const hearing = spawn(program, args, { env: toolEnv(), stdio: ['ignore', 'pipe', 'ignore'] });
    child = hearing;
    let head = true;
    let answered = false;
    let text = '';
    hearing.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      if (head && text.includes('\r\n\r\n')) {
        const end = text.indexOf('\r\n\r\n');
        head = false;
        answered = true;
        if (!isStream(text.slice(0, end))) hearing.kill('SIGKILL');
        text = text.slice(end + 4);
      }
      if (head) return;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) if (block.startsWith('data: ')) hear(block.slice(6));
    });
    return new Promise((settle) => {
      hearing.once('error', () => settle(true));
      hearing.once('close', (code) => settle(!answered || code === 0));
    });
  }
  function hear(text: string): void {
    const message = parsed(text);
    if (!over && isMessage(message)) receive(message);
  }

  void run();
  return {
    end() {
      over = true;
      child?.kill('SIGKILL');
    },
  };
}

const isStream = (head: string): boolean =>
  /^HTTP\/1\.[01] 200/.test(head) && /^content-type: text\/event-stream/im.test(head);

/** Of this program's own version: the shape behind the kind is trusted. */
const isMessage = (value: unknown): value is LiveMessage =>
  typeof value === 'object' && value !== null && 'kind' in value && typeof value.kind === 'string';
