/** Ends a command: `Error: …` on stderr, exit 1. */
export class CtlError extends Error {}

/** Ends a command that was called wrongly: the usage text and `Error: …`, exit 2. */
export class UsageError extends Error {}

/** End of input, or Ctrl-C, at a question: `Aborted!`, exit 1. */
export class Aborted extends Error {}

export function refuse(text: string): never {
  throw new CtlError(text);
}
