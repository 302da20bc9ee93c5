/**
 * A reader that has seen enough (`| head`) ends a command quietly, as a signal would. An agent goes on: what it guards does
 * not hang on whoever reads its log.
 */
let whenClosed = (): void => process.exit(0);
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') whenClosed();
  });

export function outliveOutput(): void {
  whenClosed = () => undefined;
}
