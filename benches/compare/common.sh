# shellcheck shell=bash disable=SC2034
# What the parts and the peers share. Sourced.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
compare=target/compare

whole() { # whether this is a run of full size
    [ -z "${COMPARE_SECONDS:-}${COMPARE_ROUNDS:-}${COMPARE_WARM_UP:-}${COMPARE_MESSAGES:-}${COMPARE_CONNECTIONS:-}" ]
}

free_port() { # a port of 127.0.0.1 that nobody listens on; below those that connections to elsewhere are given meanwhile
    local port
    until port=$(shuf -i 20000-29999 -n 1) && ! listens "$port" 2>/dev/null; do :; done
    echo "$port"
}

wait_for() { # wait_for PID LOG COMMAND…: until the command succeeds; not longer than the process lives, or two minutes
    local pid=$1 log=$2 tries=0
    shift 2
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 "$pid" 2>/dev/null; then
            tail -n 20 "$log" >&2
            return 1
        fi
        sleep 0.2
    done
}

listens() { # listens PORT
    (exec 3<>"/dev/tcp/127.0.0.1/$1")
}

end() { # end PIDFILE: ends the process, and waits until it is gone
    local pid
    [ -f "$1" ] || return 0
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 100); do
        kill -0 "$pid" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -9 "$pid" 2>/dev/null || true
}

packages() { # packages COMMAND PACKAGE…: Debian's packages, unless the command is there
    command -v "$1" >/dev/null && return
    command -v apt-get >/dev/null || { echo "there is no $1, and no apt-get to install it with" >&2; return 1; }
    shift
    apt-get update -qq
    # Services of theirs stay off: RUNLEVEL is what invoke-rc.d asks.
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

maven() { # maven FOLDER: builds what is there
    packages javac openjdk-17-jdk-headless
    packages mvn maven
    # It resets colours although it uses none.
    mvn -q -B -Dstyle.color=never -f "$1/pom.xml" package 2>&1 | sed 's/\x1b\[0m//g'
}
