import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { Aborted } from './problem.ts';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Shows the question and takes the next line of input; null: there is none, and will be none. */
  ask(question: string): Promise<string | null>;
  /** The rest of the input. */
  rest(): Promise<string>;
  readonly isScreen: boolean;
  close(): void;
}

/**
 * A queue of lines, so that answers may come faster than questions: a script pipes them all at once. Input is only opened
 * by the first question, for a command that asks nothing must not wait for it.
 */
export function makeTerminal(input: Readable, output: Writable & { isTTY?: boolean }, errors: Writable): Terminal {
  const lines: string[] = [];
  const waiting: ((line: string | null) => void)[] = [];
  let ended = false;
  let close: (() => void) | null = null;

  function open(): void {
    if (close !== null) return;
    const reader = createInterface({ input, terminal: false });
    close = () => reader.close();
    reader.on('line', (line) => {
      const receive = waiting.shift();
      if (receive === undefined) lines.push(line);
      else receive(line);
    });
    reader.on('close', () => {
      ended = true;
      for (const receive of waiting.splice(0)) receive(null);
    });
  }
  function nextLine(): Promise<string | null> {
    open();
    const line = lines.shift();
    if (line !== undefined || ended) return Promise.resolve(line ?? null);
    return new Promise((resolve) => waiting.push(resolve));
  }
  return {
    out: (text) => void output.write(text),
    err: (text) => void errors.write(text),
    ask(question) {
      output.write(question);
      return nextLine();
    },
    async rest() {
      const all: string[] = [];
      for (let line = await nextLine(); line !== null; line = await nextLine()) all.push(line);
      return all.map((line) => `${line}\n`).join('');
    },
    isScreen: output.isTTY === true,
    close: () => close?.(),
  };
}

/** Asks until there is an answer; `byDefault` is what an empty line means. */
export async function prompt(terminal: Terminal, text: string, byDefault?: string): Promise<string> {
  const shown = byDefault === undefined ? '' : ` [${byDefault}]`;
  for (;;) {
    const answer = await terminal.ask(`${text}${shown}: `);
    if (answer === null) throw new Aborted();
    if (answer.trim() !== '') return answer.trim();
    if (byDefault !== undefined) return byDefault;
  }
}

export async function confirm(terminal: Terminal, text: string): Promise<boolean> {
  for (;;) {
    const answer = (await terminal.ask(`${text} [y/N]: `))?.trim().toLowerCase();
    if (answer === undefined) throw new Aborted();
    if (answer === 'y' || answer === 'yes') return true;
    if (answer === '' || answer === 'n' || answer === 'no') return false;
    terminal.out('Error: invalid input\n');
  }
}
