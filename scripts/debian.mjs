// Debian packages for the lab and the tests, installed without letting any of them start a service.
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package is missing when its program is: one installed by other means will do as well. */
const packages = [
  { name: 'postgresql-15', program: '/usr/lib/postgresql/15/bin/postgres' },
  { name: 'etcd-server', program: 'etcd', unit: 'etcd' },
  { name: 'etcd-client', program: 'etcdctl' },
  { name: 'haproxy', program: 'haproxy', unit: 'haproxy' },
  { name: 'iproute2', program: 'ip' },
  { name: 'nftables', program: 'nft', unit: 'nftables' },
  { name: 'util-linux', program: 'unshare' },
  { name: 'procps', program: 'ps' },
  { name: 'e2fsprogs', program: 'mkfs.ext4' },
  { name: 'sysbench', program: 'sysbench' },
  { name: 'strace', program: 'strace' },
  { name: 'faketime', program: 'faketime' },
  { name: 'wrk', program: 'wrk', testsOnly: true },
  { name: 'chromium', program: 'chromium', testsOnly: true },
  { name: 'patroni', program: 'patroni', unit: 'patroni', testsOnly: true },
];

export function missingPackages(purpose) {
  return packages.filter(({ program, testsOnly }) => !(testsOnly && purpose !== 'test') && !isThere(program));
}

function isThere(program) {
  if (program.startsWith('/')) return existsSync(program);
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/** Null when all went well, else what to tell the user. What was changed for the time of the installation is put back. */
export async function installMissing(missing, say) {
  const guards = [policyGuard, createClusterGuard];
  for (const { restore } of guards) restore(); // what a killed earlier set-up left behind
  const interrupted = onInterrupt();
  try {
    policyGuard.put();
    return await install(missing, say);
  } finally {
    for (const { restore } of guards) restore();
    interrupted.forget();
  }
}

async function install(missing, say) {
  const names = missing.map(({ name }) => name);
  if (!hasCandidates(names)) {
    say('apt-get update');
    if ((await apt(['update'])) !== 0) return 'apt-get update failed; its messages are above.';
  }
  // First the package that owns createcluster.conf, so that it can be changed before a server reads it.
  if (names.includes('postgresql-15')) {
    const failed = await aptInstall(['postgresql-common'], say);
    if (failed !== null) return failed;
    createClusterGuard.put();
  }
  const failed = await aptInstall(names, say);
  if (failed !== null) return failed;
  // Nothing was started now; nothing that we brought shall start at the next boot either.
  const units = missing.flatMap(({ unit }) => (unit === undefined ? [] : [unit]));
  if (units.length > 0 && isThere('systemctl'))
    spawnSync('systemctl', ['--quiet', 'disable', ...units], { stdio: 'ignore' });
  return null;
}

async function aptInstall(names, say) {
  const install = ['install', '--yes', '--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold', ...names];
  if ((await apt(install)) === 0) return null;
  if (interruptedBy !== null) return 'interrupted';
  say('trying once more after apt-get update');
  if ((await apt(['update'])) === 0 && (await apt(install)) === 0) return null;
  return `"apt-get install ${names.join(' ')}" failed; its messages are above.`;
}

function hasCandidates(names) {
  const { stdout } = spawnSync('apt-cache', ['policy', ...names], { encoding: 'utf8' });
  return (stdout ?? '').split('Candidate:').length - 1 >= names.length && !stdout.includes('Candidate: (none)');
}

/** In a session of its own: a Ctrl-C must not tear dpkg apart, it ends set-up when apt is through. */
function apt(args) {
  const options = ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' };
  return new Promise((done) => {
    const child = spawn('apt-get', [...options, ...args], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    child.once('error', () => done(127));
    child.once('exit', (code) => done(interruptedBy === null ? (code ?? 1) : 1));
  });
}

let interruptedBy = null;

/** Until forgotten, a signal only makes the installation end after its present step; then it ends this process. */
function onInterrupt() {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const note = (signal) => {
    if (interruptedBy === null)
      process.stderr.write('set-up: ending after this step, so that no package stays half installed\n');
    interruptedBy = signal;
  };
  for (const signal of signals) process.on(signal, note);
  return {
    forget() {
      for (const signal of signals) process.removeListener(signal, note);
      if (interruptedBy !== null) process.exit(130);
    },
  };
}

/** A file changed for a while: `put` keeps the original beside it, `restore` brings it back, also in a later run. */
function guard(path, mode, content) {
  const kept = `${path}.before-matriarch`;
  const mark = '# made by the set-up of Matriarch for the time of an installation';
  return {
    put() {
      if (existsSync(path)) copyFileSync(path, kept);
      writeFileSync(`${path}.new`, content(existsSync(path) ? readFileSync(path, 'utf8') : '', mark), { mode });
      renameSync(`${path}.new`, path);
    },
    restore() {
      if (existsSync(kept)) renameSync(kept, path);
      else if (existsSync(path) && readFileSync(path, 'utf8').includes(mark)) rmSync(path);
    },
  };
}

/** Policy-rc.d answering 101: "starting is forbidden". */
const policyGuard = guard('/usr/sbin/policy-rc.d', 0o755, (_before, mark) => `#!/bin/sh\n${mark}\nexit 101\n`);
/** No cluster 15/main in the very data directory that the sample configuration names. */
const createClusterGuard = guard(
  '/etc/postgresql-common/createcluster.conf',
  0o644,
  (before, mark) => `${before}\n${mark}\ncreate_main_cluster = false\n`,
);
