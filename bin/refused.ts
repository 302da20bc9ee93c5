/** Says why nothing could be done. Exit code. */
export function refused(error: unknown): 2 {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
}
