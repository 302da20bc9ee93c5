#!/bin/sh
# The last guard that runs: a shell, parent of the postmaster. It stops PostgreSQL when the deadline on disk has been
# passed for GRACE_MS and nobody has stopped it before: agent and guardian killed or frozen together. `killall -9 node`
# does not reach it. Its own death ends the postmaster (--pdeathsig).
#
#   sentinel.sh STATE_DIR DATA_DIR GRACE_MS -- COMMAND...    starts COMMAND, the postmaster, and watches it
#   sentinel.sh --watch STATE_DIR DATA_DIR GRACE_MS          watches one that runs already
#
# STATE_DIR/deadline, written by the guardian: `<ms since boot> <boot id>`, or `none <boot id>`. /proc/uptime counts the
# same clock, CLOCK_BOOTTIME. At rest it costs a fork every two seconds, the sleep; all else is done by the shell itself.

set -u
export LC_ALL=C

watch_only=
if [ "${1-}" = --watch ]; then
  watch_only=yes
  shift
fi
if [ $# -lt 3 ]; then
  echo 'usage: sentinel.sh [--watch] STATE_DIR DATA_DIR GRACE_MS [-- COMMAND...]' >&2
  exit 64
fi
state_dir=$1
data_dir=$2
grace_ms=$3
shift 3
[ "${1-}" = -- ] && shift

# A handler, not '': what is ignored here would be ignored by the postmaster's children as well.
trap : HUP INT TERM
# Wakes the wait below when the postmaster ends.
trap : CHLD

read -r boot_id </proc/sys/kernel/random/boot_id || exit 70

# stat_of PID: sets proc_state and proc_start. Fails when there is no such process.
stat_of() {
  { read -r proc_line <"/proc/$1/stat"; } 2>/dev/null || return 1
  proc_rest=${proc_line##*) } # the name before it may hold anything
  set -f
  # shellcheck disable=SC2086
  set -- $proc_rest
  set +f
  proc_state=$1
  shift 19
  proc_start=$1
}

# lives PID: a process that is no zombie.
lives() {
  stat_of "$1" && [ "$proc_state" != Z ] && [ "$proc_state" != X ]
}

# is_postgres PID: a PostgreSQL process at work in the data directory. -ef compares folders as the kernel knows them.
is_postgres() {
  [ "/proc/$1/cwd" -ef "$data_dir" ] || return 1
  { read -r proc_name <"/proc/$1/comm"; } 2>/dev/null || return 1
  case $proc_name in postgres | postmaster) return 0 ;; esac
  return 1
}

# named_postmaster: sets postmaster to the pid in postmaster.pid if that process is one; empty otherwise.
named_postmaster() {
  postmaster=
  { read -r proc_pid <"$data_dir/postmaster.pid"; } 2>/dev/null || return 1
  proc_pid=${proc_pid#-} # a single-user server
  case $proc_pid in '' | *[!0-9]*) return 1 ;; esac
  is_postgres "$proc_pid" && lives "$proc_pid" && postmaster=$proc_pid
}

# uptime_ms: sets now_ms. 12.05 is 12050: the 1 in front keeps the shell from reading 050 as an octal number.
uptime_ms() {
  read -r uptime _ </proc/uptime || return 1
  now_ms=$((${uptime%.*} * 1000 + 1${uptime#*.}0 - 1000))
}

# left_ms: sets left to the ms until this guard acts; a large number while no deadline is in force.
left_ms() {
  left=999999999
  { read -r deadline deadline_boot <"$state_dir/deadline"; } 2>/dev/null || return 0
  [ "$deadline_boot" = "$boot_id" ] || return 0
  case $deadline in '' | *[!0-9]*) return 0 ;; esac
  uptime_ms || return 0
  left=$((deadline + grace_ms - now_ms))
}

# say TEXT: a line of the journal on our output, which is the server's log.
say() {
  echo "sentinel[$$]: $1"
}

# strike: stops the postmasters, kills what works in the data directory, then them. Sets struck to how many there were.
strike() {
  struck=0
  named_postmaster
  for first in ${child:-} $postmaster; do
    kill -STOP "$first" 2>/dev/null
  done
  for entry in /proc/[0-9]*; do
    pid=${entry#/proc/}
    [ "$pid" = "${child:-}" ] || [ "$pid" = "$postmaster" ] && continue
    is_postgres "$pid" || continue
    kill -KILL "$pid" 2>/dev/null && struck=$((struck + 1))
  done
  for first in ${child:-} $postmaster; do
    lives "$first" && kill -KILL "$first" 2>/dev/null && struck=$((struck + 1))
  done
}

# pause SECONDS: a sleep that ends early when a child ends. The shell reaps whatever ends meanwhile.
pause() {
  sleep "$1" &
  sleeper=$!
  wait "$sleeper"
}

# become COMMAND...: for a child. The unit may keep agent and guards from being killed when memory runs out; a backend that
# eats it all must not inherit that. Giving protection up is always allowed.
become() {
  { read -r oom_adj </proc/self/oom_score_adj; } 2>/dev/null || oom_adj=0
  case $oom_adj in -*) { echo 0 >/proc/self/oom_score_adj; } 2>/dev/null ;; esac
  exec "$@"
}

child=
if [ -z "$watch_only" ]; then
  if setpriv --pdeathsig QUIT -- true 2>/dev/null; then
    become setpriv --pdeathsig QUIT -- "$@" &
  else
    say 'warning: setpriv lacks --pdeathsig: the death of this sentinel will not end PostgreSQL'
    become "$@" &
  fi
  child=$!
else
  # One sentinel is enough.
  if { read -r other other_start <"$state_dir/sentinel.pid"; } 2>/dev/null; then
    lives "$other" && [ "$proc_start" = "$other_start" ] && exit 0
  fi
fi

stat_of $$ && echo "$$ $proc_start" >"$state_dir/sentinel.pid"

# watched: whether what this sentinel is here for still runs.
watched() {
  if [ -n "$child" ]; then
    lives "$child"
  else
    named_postmaster
  fi
}

# The end of a child wakes it; the end of another's is found by looking.
announced=
while watched; do
  left_ms
  # However long the wait ahead: a shorter deadline may be written meanwhile. It counts from the sending of a renewal, which
  # takes 1.9 s at most: with ttl 5 this guard acts 4.375 s after that, so that 2 s of sleep are over in time.
  if [ "$left" -gt 4000 ] && [ -n "$child" ]; then
    announced=
    pause 2
  elif [ "$left" -gt 2000 ]; then
    announced=
    pause 1
  elif [ "$left" -gt 200 ]; then
    pause 0.2
  elif [ "$left" -gt 0 ]; then
    pause 0.05
  else
    # Read again: two writes of the guardian may have overtaken the first reading, and mixed its digits.
    left_ms
    [ "$left" -le 0 ] || continue
    [ -n "$announced" ] || say 'the deadline has passed and PostgreSQL runs: it is killed'
    announced=yes
    strike
    pause 0.05
  fi
done

# outlived: whether a backend of that postmaster is still at work. The next server's began later: they are not meant. Ticks of
# 10 ms, as /proc counts them for everybody.
uptime_ms || now_ms=0
ended_ticks=$((now_ms / 10))
outlived() {
  for entry in /proc/[0-9]*; do
    is_postgres "${entry#/proc/}" && lives "${entry#/proc/}" && [ "$proc_start" -lt "$ended_ticks" ] && return 0
  done
  return 1
}

# A busy backend goes on after its postmaster, and acknowledges what it was at: it is watched to its end. While the deadline
# stays passed, whatever is there goes.
while
  left_ms
  [ "$left" -le 0 ] || outlived
do
  if [ "$left" -le 0 ]; then
    strike
    [ "$struck" -gt 0 ] || break
  fi
  sleep 0.05
done

[ -z "${sleeper:-}" ] || kill "$sleeper" 2>/dev/null
if { read -r other _ <"$state_dir/sentinel.pid"; } 2>/dev/null && [ "$other" = $$ ]; then
  rm -f "$state_dir/sentinel.pid"
fi
if [ -n "$child" ]; then
  wait "$child"
  exit $?
fi
exit 0
