/**
 * A reader that has seen enough (`| head`) ends a command quietly, as a signal would. An agent goes on: what it guards does
 * not hang on whoever reads its log. Who listens besides has something to end first, a lab say, and does that.
 */
let whenClosed = (): void => process.exit(0);
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' && stream.listenerCount('error') === 1) whenClosed();
  });

export function outliveOutput(): void {
  whenClosed = () => undefined;
  outlives = true;
}

let outlives = false;
/** What did not get where it was sent, to a full disk say, must not look like success: somebody may keep it for a backup. */
process.on('exit', () => {
  const error: NodeJS.ErrnoException | null = process.stdout.errored;
  if (error === null || error.code === 'EPIPE' || outlives) return;
  process.stderr.write(`Error: the output could not be written: ${error.message}\n`);
  process.exitCode = 1;
});
