import { spawnSync } from 'node:child_process';

/** PostgreSQL refuses to run as root. As root a test file runs itself again as the user postgres, and ends with that run's result. */
export function leaveRootForGood(file: string): void {
  if (process.getuid?.() !== 0) return;
  const again = spawnSync(
    'setpriv',
    ['--reuid=postgres', '--regid=postgres', '--init-groups', '--', process.execPath, ...process.execArgv, file],
    {
      stdio: 'inherit',
      env: { ...process.env, HOME: '/tmp', NODE_TEST_CONTEXT: '', TSX_DISABLE_CACHE: '1' },
    },
  );
  process.exit(again.status ?? 1);
}
