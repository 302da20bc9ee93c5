import type { Instance } from './instance.ts';

const statuses = { starting: 'starting', ready: 'ready   ', standby: 'standby ', stopping: 'stopping' } as const;

/** postmaster.pid as PostgreSQL 15 writes it: eight lines, the last one padded. */
export function writePid(instance: Instance, status: keyof typeof statuses): void {
  const { dir, postmaster, port, conf } = instance;
  const socketDir = (conf.get('unix_socket_directories') ?? '/tmp').split(',')[0]?.trim() ?? '';
  dir.put(
    'postmaster.pid',
    [
      postmaster.pid,
      dir.path,
      Math.floor(postmaster.startedWallMs / 1000),
      port,
      socketDir,
      conf.get('listen_addresses') ?? 'localhost',
      `  ${5_432_001 + port}         ${port % 97}`,
      statuses[status],
      '',
    ].join('\n'),
  );
}
