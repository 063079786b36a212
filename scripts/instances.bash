# shellcheck shell=bash disable=SC2154
# Instances of a server, for the scripts that run a real mail server: to be sourced by them.
#
# Each instance runs in mount and PID namespaces of its own. Its mounts vanish with its last process,
# and the kernel ends all its processes when the first one ends. So nothing is left behind, whatever
# was killed, and no process of anybody else can be hit by mistake.
#
# "Is it running?" is asked of a lock that the instance's processes hold, never of a pid file: the
# kernel drops a lock at a kill -9 and at a reboot, and pids are used again.
#
# The script that sources this file sets
#   self           its own path; `$self --instance NAME _init` is the first process of an instance,
#                  and writes its pid, as the host counts, into $home/run/init.pid
#   program        its name, for what it says
#   base           the folder where all of it lives
#   instance       the instance's name; `use_instance` sets what follows from it
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
    alive=$home/alive        # held locked by every process of the instance
}

# Takes the lock FILE for the rest of the command: two calls must not do the same work at a time.
# Processes that are to outlive the command must be started with 8>&-.
take_lock() {
    mkdir -p "$(dirname "$1")"
    exec 8> "$1"
    flock 8
}

is_held() { [[ -e $1 ]] && ! flock --nonblock --shared "$1" true; }
is_running() { is_held "$alive"; }
must_be_running() { is_running || die "instance $instance is not running"; }

# --- ports -----------------------------------------------------------------------------------------

# Ports are picked once, so that a client finds the server again after a restart; and below the
# range from which the kernel takes ports for outgoing connections, so that they are free then.
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

# Sets a variable of each service's name.
read_ports() {
    # shellcheck source=/dev/null
    source "$home/ports"
}

# --- start and stop --------------------------------------------------------------------------------

launch() {
    local name
    for name in "${services[@]}"; do
        ! port_answers "${!name}" || die "port ${!name} is in use; \`reset\` makes the instance pick others"
    done
    rm -f "$home/run/complete" "$home/run/init.pid"
    (
        flock --timeout 5 9    # it is free, but somebody may be asking whether it is
        # setsid: a Ctrl-C at the caller's terminal is not meant for the server.
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
        sleep 0.1    # many times a second, the question itself would take a part of a processor
    done
}

give_up() {
    say "instance $instance does not come up (waited for: $1)"
    tail -n 20 "$home/output" "$home/log" >&2 || true
    exit 1
}

# Does a server answer at this port as it should?
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
    until [[ -s $home/run/init.pid ]]; do    # it may be just coming up
        is_running || return 0
        sleep 0.02
    done
    is_running || return 0
    pid=$(< "$home/run/init.pid")
    kill "-$1" "$pid" 2> /dev/null || true    # it may be ending already
    flock --timeout 10 --shared "$alive" true || {
        say "instance $instance does not end by itself; killing it"
        kill -KILL "$pid" || true
        flock --timeout 10 --shared "$alive" true
    }
}
