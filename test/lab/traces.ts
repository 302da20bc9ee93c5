import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { allPids, readProc } from '../../src/lab/procfs.ts';
import { until } from '../../src/lab/run.ts';

/** Whatever of a lab can be found on the host: its folder, processes, mounts, loop devices, interfaces. */
export function tracesOf(dir: string): readonly string[] {
  const processes = allPids()
    .filter(
      (pid) => pid !== process.pid && `${read(`/proc/${pid}/mountinfo`)}${read(`/proc/${pid}/cmdline`)}`.includes(dir),
    )
    .map(readProc)
    .filter((proc) => proc !== null)
    .filter(({ state }) => state !== 'dead')
    .map(({ pid, argv }) => `process ${pid} ${argv.join(' ').slice(0, 80)}`);
  const loops = lines('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']);
  const links = lines('ip', ['-brief', 'link']).filter((line) => /^(br0|node\d|client)\b/.test(line));
  return [
    ...(existsSync(dir) ? [`folder ${dir}`] : []),
    ...processes,
    ...read('/proc/self/mounts')
      .split('\n')
      .filter((line) => line.includes(dir)),
    ...loops.filter((line) => line.includes(dir)),
    ...links,
  ];
}

/** The kernel takes things down a moment after the last process is gone. */
export async function lastingTraces(dir: string, limitMs = 3000): Promise<readonly string[]> {
  await until(() => (tracesOf(dir).length === 0 ? true : null), limitMs, 50);
  return tracesOf(dir);
}

function lines(program: string, args: readonly string[]): readonly string[] {
  return (spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '').split('\n');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
