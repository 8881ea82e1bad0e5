#!/bin/sh
# Two hosts on one machine: runs a job in two network namespaces that a cable (veth) joins, over Gloo.
# Change: the command, and RANKS_PER_HOST. Needs root and `ip` of iproute2.
#
#   sudo RANKS_PER_HOST=2 examples/launch/two-hosts.sh tp train --dp 2 --tp 2 ...
#
# Cut the cable meanwhile with `ip -n $HOSTS-0 link set eth0 down`; HOSTS begins the namespaces' names.
set -eu

hosts=${HOSTS:-tp-$$}
each=${RANKS_PER_HOST:-1}
ranks=

clean_up() {
    kill $ranks 2>/dev/null || :
    ip netns delete "$hosts-0" 2>/dev/null || :
    ip netns delete "$hosts-1" 2>/dev/null || :
}
trap clean_up EXIT
trap 'exit 1' INT TERM

ip netns add "$hosts-0"
ip netns add "$hosts-1"
ip link add eth0 netns "$hosts-0" type veth peer name eth0 netns "$hosts-1"
for host in 0 1; do
    ip -n "$hosts-$host" address add "10.77.0.$((host + 1))/24" dev eth0
    ip -n "$hosts-$host" link set lo up
    ip -n "$hosts-$host" link set eth0 up
done

for rank in $(seq 0 $((2 * each - 1))); do
    ip netns exec "$hosts-$((rank / each))" env \
        RANK="$rank" WORLD_SIZE=$((2 * each)) \
        LOCAL_RANK=$((rank % each)) LOCAL_WORLD_SIZE="$each" \
        MASTER_ADDR="${MASTER_ADDR:-10.77.0.1}" MASTER_PORT=29500 \
        "$@" &
    ranks="$ranks $!"
done

status=0
for rank in $ranks; do
    wait "$rank" || status=$?
done
exit $status
