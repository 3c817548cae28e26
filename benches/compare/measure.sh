# shellcheck shell=bash disable=SC2034
# How a part measures. Sourced by the parts.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
part=$(basename "$0")
seconds=${COMPARE_SECONDS:-10}
rounds=${COMPARE_ROUNDS:-3}
# What compiles while it runs is slow at first, so these have a run that counts for nothing.
warms_up="artemis spring socketio"
times="--seconds $seconds --warm-up ${COMPARE_WARM_UP:-3}"

hongyan() {
    target/release/hongyan "$@"
}

peer() { # peer NAME WHAT
    "benches/compare/peers/$1" "$2"
}

# What the load needs to know of a peer, as it stands in a command.
# shellcheck disable=SC2016
at() { # at NAME
    echo "--url \"\$(benches/compare/peers/$1 url)\" --pid \$(benches/compare/peers/$1 pid)"
}

rabbitmq="$(at rabbitmq) --login guest --passcode guest"
durable="--header persistent:true --header durable:true --header auto-delete:false"
artemis="$(at artemis) --login nobody --passcode nothing"
spring="$(at spring) --key $compare/key"
nodejs="$(at socketio) --key $compare/key"

rm -rf "${compare:?}/$part"
# A broker of the load's own has its data here as well, on the same disk as the peers.
export TMPDIR=$PWD/$compare/tmp
mkdir -p "$compare/$part" "$TMPDIR"
# When, of what, and whether of full size: docs/performance.md takes nothing else.
echo "{\"date\": \"$(date -u +%F)\", \"commit\": \"$(git rev-parse --short HEAD)\", \"whole\": $(whole && echo true || echo false)}" \
    >"$compare/$part/when.json"
[ -f "$compare/key" ] || od -An -tx1 -N32 /dev/urandom | tr -d ' \n' >"$compare/key"

begun=" "
begin() { # begin PEER…: starts those that could be installed; they end with the part
    local name
    trap 'for name in $begun; do peer "$name" stop; done' EXIT
    for name in "$@"; do
        if [ -f "$compare/peers/$name.version" ]; then
            begun+="$name "
            peer "$name" start
        else
            echo "$part: without $name, which could not be installed"
        fi
    done
}

try() { # try NAME ROUND COMMAND: leaves the result in target/compare/PART/NAME-ROUND.json
    local file=$compare/$part/$1-$2.json log=$compare/$part/$1-$2.log
    echo "$part, round $2 of $rounds: $1"
    if eval "$3 --json" >"$file.new" 2>"$log"; then
        mv "$file.new" "$file"
        echo "$3" >"$compare/$part/$1.command"
    else
        rm -f "$file.new"
        tail -n 3 "$log" >&2
        return 1
    fi
}

absent() { # absent NAME: a peer that was not begun
    [ -f "benches/compare/peers/$1" ] && [[ $begun != *" $1 "* ]]
}

in_turns() { # in_turns NAME COMMAND [NAME COMMAND]…: all of them in each round, one after another
    local round which name failed=0 all=("$@")
    for ((which = 0; which < ${#all[@]}; which += 2)); do
        name=${all[which]}
        if [[ " $warms_up " == *" $name "* ]] && ! absent "$name"; then
            echo "$part: $name warms up"
            eval "${all[which + 1]}" >/dev/null 2>&1 || true
        fi
    done
    for ((round = 1; round <= rounds; round++)); do
        for ((which = 0; which < ${#all[@]}; which += 2)); do
            name=${all[which]}
            absent "$name" || try "$name" "$round" "${all[which + 1]}" || failed=1
        done
    done
    return $failed
}

result() { # result PART NAME FIGURE: its median over the rounds, a whole number
    node -e '
        const [folder, name, figure] = process.argv.slice(1);
        const fs = require("fs");
        const files = fs.readdirSync(folder).filter((it) => it.startsWith(name + "-") && it.endsWith(".json"));
        const values = files.map((it) => JSON.parse(fs.readFileSync(folder + "/" + it)).figures[figure].value);
        values.sort((a, b) => a - b);
        console.log(Math.round(values[values.length >> 1]));
    ' "$compare/$1" "$2" "$3"
}
