# shellcheck shell=bash disable=SC2154
# Starts, finds and ends instances of a server. The scripts that run a real mail server source this file.
#
# Each instance runs in new mount and PID namespaces. Its mounts vanish with its last process, and the
# kernel ends all its processes when the first one ends. So nothing is left, whichever process is killed,
# and no process outside the instance can be killed by mistake.
#
# An instance is running if its processes hold a lock. A pid file would not do: the kernel drops a lock at
# a kill -9 and at a reboot, but the pid in a file may belong to another process by then.
#
# The script that sources this file sets
#   self           its own path; `$self --instance NAME _init` is the first process of an instance,
#                  and writes its pid on the host into $home/run/init.pid
#   program        its name, for messages
#   base           the folder for everything
#   instance       the instance's name; `use_instance` then sets the instance's paths
#   services       the names of an instance's ports
#   first_port, last_port    the range from which an instance's ports are picked
# and defines `await_services`, which waits until the server answers.

say() { printf '%s: %s\n' "$program" "$*" >&2; }
die() { say "$*"; exit 1; }
wrong_usage() { say "$*"; say "see scripts/$program -h"; exit 2; }
as_root() { ((EUID == 0)) || die "must be root, for the namespaces"; }

use_instance() {
    [[ $instance =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || wrong_usage "not a name for an instance: $instance"
    home=$base/instances/$instance
    alive=$home/alive        # a file that every process of the instance holds locked
}

# take_lock FILE
# Takes a lock until the command ends, so that two calls do not do the same work at the same time. A
# process that outlives the command must be started with 8>&-: otherwise it keeps the lock.
take_lock() {
    mkdir -p "$(dirname "$1")"
    exec 8> "$1"
    flock 8
}

is_held() { [[ -e $1 ]] && ! flock --nonblock --shared "$1" true; }
is_running() { is_held "$alive"; }
must_be_running() { is_running || die "instance $instance is not running"; }

# --- ports -----------------------------------------------------------------------------------------

# Ports are picked once, so that a client finds the server again after a restart. They are below the
# range that the kernel uses for outgoing connections, so that they are still free at the restart.
pick_ports() {
    [[ ! -e $home/ports ]] || return 0
    (
        take_lock "$base/ports.lock"
        local name port
        for name in "${services[@]}"; do
            until port=$(shuf -i "$first_port-$last_port" -n 1) && port_is_new "$port"; do :; done
            printf '%s=%s\n' "$name" "$port"
        done > "$home/ports.new"
        mv "$home/ports.new" "$home/ports"
    )
}

port_is_new() { ! grep -qs "=$1\$" "$base"/instances/*/ports* && ! port_answers "$1"; }
port_answers() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; }

# Sets the variable of each service, such as `http`, to its port.
read_ports() {
    # shellcheck source=/dev/null
    source "$home/ports"
}

# --- start and stop --------------------------------------------------------------------------------

launch() {
    local name
    for name in "${services[@]}"; do
        ! port_answers "${!name}" || die "port ${!name} is in use; after \`rm $home/ports\` the instance picks others"
    done
    rm -f "$home/run/complete" "$home/run/init.pid"
    (
        flock --timeout 5 9    # `is_running` in another call may hold it for a moment
        # setsid, so that a Ctrl-C at the caller's terminal does not end the server.
        exec setsid unshare --mount --pid --fork --kill-child "$self" --instance "$instance" _init
    ) 9> "$alive" 8>&- < /dev/null > "$home/output" 2>&1 &
    wait_until 5 test -s "$home/run/init.pid"
    await_services
}

# wait_until SECONDS COMMAND...
wait_until() {
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@"; do
        { ((SECONDS < end)) && kill -0 $! 2> /dev/null; } || give_up "$*"
        sleep 0.1    # a shorter pause would cost processor time
    done
}

give_up() {
    say "instance $instance does not start (waited for: $1)"
    tail -n 20 "$home/output" "$home/log" >&2 || true
    exit 1
}

# greets PORT REQUEST EXPECTED
# Succeeds if a server at the port answers the request with a line that begins with the expected pattern.
greets() {
    local port=$1 request=$2 expected=$3 line=
    { exec 3<> "/dev/tcp/127.0.0.1/$port"; } 2> /dev/null || return 1
    printf %s "$request" >&3
    read -r -t 5 line <&3 || true
    exec 3>&-
    [[ $line =~ ^$expected ]]
}

# end_processes SIGNAL
end_processes() {
    local pid
    until [[ -s $home/run/init.pid ]]; do    # the instance may be starting
        is_running || return 0
        sleep 0.02
    done
    is_running || return 0
    pid=$(< "$home/run/init.pid")
    kill "-$1" "$pid" 2> /dev/null || true    # the process may have ended just now
    flock --timeout 10 --shared "$alive" true || {
        say "instance $instance does not end after 10 s; killing it"
        kill -KILL "$pid" || true
        flock --timeout 10 --shared "$alive" true
    }
}
