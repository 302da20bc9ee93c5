import { fakeClockEnv, postgresByFakeClock } from './faults/fakeClock.ts';

/** The two shell programs of a lab that run as process 1 of a PID namespace. They need nothing but a POSIX shell and util-linux. */

/** Says that it is there, then collects dead children for ever. Signals without a handler do not reach a process 1. */
const collect = `
echo ready
exec >/dev/null 2>&1
while :; do sleep 3600 & wait $!; done
`;

const postgresPrograms = '/usr/lib/postgresql/15/bin';
const fakeClockWords = Object.entries(fakeClockEnv)
  .map(([name, value]) => `${name}=${value}`)
  .join(' ');

/**
 * The holder of the ground: mounts the disks, so that they outlive a machine's power.
 * Disks that can not be loop devices are made of memory.
 */
export const groundScript = `set -eu
cd "$LAB/disks"
for image in *.img; do
  disk=\${image%.img}
  mount -o loop,noatime "$image" "$disk" 2>/dev/null ||
    { echo memory; mount -t tmpfs -o "size=\${DISK_MB}m,mode=755" disk "$disk"; }
  mkdir -p "$disk/tmp" "$disk/postgresql" "$disk/etcd"
  chmod 1777 "$disk/tmp"
  chown postgres:postgres "$disk/postgresql" "$disk/etcd"
  chmod 700 "$disk/etcd"
done
ip link set lo up
ip link add br0 type bridge forward_delay 0
ip link set br0 addrgenmode none up
${collect}`;

/**
 * A machine: its own /tmp, /run, /dev, /etc/hosts, /var/lib/postgresql and /var/lib/etcd; the rest is the host's.
 * /dev holds the harmless devices only: no machine of a lab can touch the host's watchdog or disks.
 */
export const machineScript = `set -eu
disk=$LAB/disks/$NAME
own=$LAB/machines/$NAME
echo "$NAME" >/proc/sys/kernel/hostname
ip link set lo up

mount -t tmpfs -o mode=755 run "$own/run"
mkdir -p "$own/run/lock" "$own/run/postgresql" "$own/run/lab/bin" "$own/run/lab/program"
chmod 1777 "$own/run/lock"
chown postgres:postgres "$own/run/postgresql"
mount --bind "$PROGRAM" "$own/run/lab/program"
touch "$own/run/lab/bin/node"
mount --bind "$NODE" "$own/run/lab/bin/node"
ln -s ../program/bin/matriarch "$own/run/lab/bin/matriarch"
mkdir "$own${postgresByFakeClock}"
ln -s ${postgresPrograms}/* "$own${postgresByFakeClock}/"
rm -f "$own${postgresByFakeClock}/postgres"
cat >"$own${postgresByFakeClock}/postgres" <<'END'
#!/bin/sh
exec env ${fakeClockWords} ${postgresPrograms}/postgres "$@"
END
chmod 755 "$own${postgresByFakeClock}/postgres"

mount -t tmpfs -o mode=755 dev "$own/dev"
mkdir "$own/dev/pts" "$own/dev/shm"
for name in null zero full random urandom tty; do
  touch "$own/dev/$name"
  mount --bind "/dev/$name" "$own/dev/$name"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$own/dev/pts"
mount -t tmpfs -o mode=1777 shm "$own/dev/shm"
ln -s pts/ptmx "$own/dev/ptmx"
ln -s /proc/self/fd "$own/dev/fd"
ln -s /proc/self/fd/0 "$own/dev/stdin"
ln -s /proc/self/fd/1 "$own/dev/stdout"
ln -s /proc/self/fd/2 "$own/dev/stderr"

mount --bind "$own/etc" /etc/postgresql
mount --bind "$own/hosts" /etc/hosts
if [ -e /etc/hostname ]; then mount --bind "$own/hostname" /etc/hostname; fi
mount --bind "$disk/postgresql" /var/lib/postgresql
if [ -d /var/lib/etcd ]; then mount --bind "$disk/etcd" /var/lib/etcd; fi
mount --rbind "$own/run" /run
mount --rbind "$own/dev" /dev
mount --bind "$disk/tmp" /tmp
cd /
${collect}`;
