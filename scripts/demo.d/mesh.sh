# SPDX-License-Identifier: Apache-2.0
# The second half of scripts/demo: a whole mesh. A controller with its broker, three
# nodes and a relay, each in a network namespace with its own mmeshd. Sourced.
#
#	ctl 203.0.113.10   anna .11   relay .12        ben 192.168.1.2   carl 192.168.2.2
#	     |                |          |                  |                |
#	     |                |          |              gateb .21         gatec .22    (each flow another port)
#	=====+================+==========+==================+================+====== net, 203.0.113.0/24

MESH_NAMES="net ctl anna relay ben carl gateb gatec"
MESH_PIDS=()
PINGS=2000
PING_GAP=0.005

# A line of a shell session, as a reader would type it, and what it answers.
shown() { printf '     %s# %s\n' "$1" "${*:2}"; }

# on NODE WORD ...: the tool on that machine
on() { n "$1" env "MMESHD_SOCKET=$TMP/$1/mmeshd.sock" "MMESH_CONTROLLER=$TMP/ctl/controller.sock" mmesh "${@:2}"; }
tell() { shown "$1" "mmesh ${*:2}"; on "$@" | show; }

# until SECONDS COMMAND ...: what the machines settle by themselves
until_true()
{
	local end=$((SECONDS + $1))

	until "${@:2}"; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

# A host on the public net; its link there is eth0.
public_host()
{
	ip netns add "$(ns_of "$1")"
	ip -n "$(ns_of "$1")" link set lo up
	ip link add eth0 netns "$(ns_of "$1")" type veth peer name "to-$1" netns "$(ns_of net)"
	ip -n "$(ns_of net)" link set "to-$1" master net0 up
	ip -n "$(ns_of "$1")" addr add "$2/24" dev eth0
	ip -n "$(ns_of "$1")" link set eth0 up
	ip -n "$(ns_of "$1")" route add default via 203.0.113.1
}

# A host behind a translator that gives each flow another port, and lets in only what was asked for.
hidden_host()
{
	local host=$1 gate=$2 inside=$3 outside=$4

	public_host "$gate" "$outside"
	ip netns add "$(ns_of "$host")"
	ip -n "$(ns_of "$host")" link set lo up
	ip link add eth0 netns "$(ns_of "$host")" type veth peer name in netns "$(ns_of "$gate")"
	ip -n "$(ns_of "$host")" addr add "$inside.2/24" dev eth0
	ip -n "$(ns_of "$gate")" addr add "$inside.1/24" dev in
	ip -n "$(ns_of "$host")" link set eth0 up
	ip -n "$(ns_of "$gate")" link set in up
	ip -n "$(ns_of "$host")" route add default via "$inside.1"
	n "$gate" sysctl -qw net.ipv4.ip_forward=1
	n "$gate" nft -f - <<-EOT
		table ip nat {
			chain unasked { type filter hook input priority 0; iifname "eth0" ct state new drop; }
			chain post {
				type nat hook postrouting priority 100
				oifname "eth0" meta l4proto udp snat to $outside:41000-49999 fully-random
				oifname "eth0" snat to $outside
			}
		}
	EOT
}

mesh_machines()
{
	step "A net with a controller's machine, two public machines, and two behind hard address translators."
	ip netns add "$(ns_of net)"
	ip -n "$(ns_of net)" link add net0 type bridge
	ip -n "$(ns_of net)" addr add 203.0.113.1/24 dev net0
	ip -n "$(ns_of net)" link set net0 up
	public_host ctl 203.0.113.10
	public_host anna 203.0.113.11
	public_host relay 203.0.113.12
	hidden_host ben gateb 192.168.1 203.0.113.21
	hidden_host carl gatec 192.168.2 203.0.113.22
	n ben ping -q -c 1 -W 5 203.0.113.10 >/dev/null || die "ben does not reach the net"
}

controller_settled() { ! kill -0 "$CONTROLLER" 2>/dev/null || on ctl network list >/dev/null 2>&1; }

# What a person types on the controller's machine.
start_controller()
{
	shown ctl "mmesh-controller standalone &"
	mkdir -p "$TMP/ctl"
	nsenter --net="/run/netns/$(ns_of ctl)" -- setsid mmesh-controller standalone "$TMP/ctl/state" \
		socket "$TMP/ctl/controller.sock" >>"$TMP/ctl/log" 2>&1 &
	CONTROLLER=$!
	until_true 30 controller_settled
	on ctl network list >/dev/null 2>&1 || die "the controller does not answer: $(tail -n 5 "$TMP/ctl/log")"
}

start_daemon()
{
	mkdir -p "$TMP/$1"
	nsenter --net="/run/netns/$(ns_of "$1")" -- mmeshd --state "$TMP/$1/state" --socket "$TMP/$1/mmeshd.sock" \
		>"$TMP/$1/log" 2>&1 &
	MESH_PIDS+=($!)
	until_true 10 on "$1" status --check live 2>/dev/null || die "mmeshd on $1 does not answer: $(tail -n 5 "$TMP/$1/log")"
}

# join NODE SUBNET [relay on]: a token made on ctl goes through a pipe to the machine
join()
{
	local node=$1 token=(token add "$2" uses 1 "${@:3}") join=(join - name "$1" "${@:3}")

	start_daemon "$node"
	shown ctl "mmesh ${token[*]} | ssh $node mmesh ${join[*]}"
	on ctl "${token[@]}" | on "$node" "${join[@]}" | show
	[ "${PIPESTATUS[*]}" = "0 0 0" ] || die "$node could not join: $(tail -n 5 "$TMP/$node/log")"
}

address() { on "$1" -j status | jq -r '.memberships[0].address[0]'; }

mesh_start()
{
	local begin=$SECONDS

	step "From nothing to the first ping: a controller with its broker, and machines that join with a token."
	start_controller
	join anna default/main/main
	join ben default/main/main
	until_true 30 answers ben anna || die "ben gets no answer from anna: $(on ben status 2>&1)"
	shown ben "ping -c 2 $(address anna)"
	n ben ping -c 2 -i 0.2 "$(address anna)" | grep 'bytes from' | show
	printf '     %d seconds, and the commands above.\n' $((SECONDS - begin))
	[ $((SECONDS - begin)) -le 60 ] || die "that took more than a minute"
}

answers() { n "$1" ping -q -c 1 -W 1 "$(address "$2")" >/dev/null 2>&1; }
silent() { ! answers "$@"; }

mesh_isolation()
{
	step "Subnets are apart until the network's switch is on. carl joins another one; a relay comes, too."
	tell ctl subnet add default/main/side
	join relay default/main/main relay on
	join carl default/main/side
	until_true 10 on carl status --check ready 2>/dev/null || die "carl is not ready: $(on carl status 2>&1)"
	answers carl anna && die "carl reaches anna although routed-subnets is off"
	shown carl "ping $(address anna)"
	echo "     no answer: another subnet"
	tell ctl network set default/main routed-subnets on
	until_true 20 answers carl anna || die "carl gets no answer from anna: $(on carl status 2>&1)"
	n carl ping -c 1 "$(address anna)" | grep 'bytes from' | show
	tell ctl network set default/main routed-subnets off
	until_true 20 silent carl anna || die "carl still reaches anna"
	echo "     no answer again"
	tell ctl network set default/main routed-subnets on
	until_true 20 answers carl anna || die "carl gets no answer from anna"
	tell ctl node list
}

path_of() { on "$1" -j status | jq -r --arg peer "$2" '.memberships[0].peers[] | select(.name == $peer) | .path'; }
by_relay() { answers "$1" "$2" && [[ $(path_of "$1" "$2") == relay* ]]; }
is_direct() { answers "$1" "$2" && [[ $(path_of "$1" "$2") == direct* ]]; }

mesh_relay()
{
	step "ben and carl are both behind hard translators: their packets go through the relay, encrypted end to end."
	until_true 40 by_relay ben carl || die "ben does not reach carl by the relay: $(on ben -d status 2>&1)"
	until_true 20 is_direct ben anna || die "ben does not reach anna directly: $(on ben status 2>&1)"
	n ben ping -c 2 -i 0.2 "$(address carl)" | grep 'bytes from' | show
	tell ben status
}

# Numbered packets; each has to come back.
count_pings() { n "$1" ping -q -c $PINGS -i $PING_GAP -W 5 "$2" >"$TMP/count-$1" 2>&1; }

mesh_outage()
{
	local counters=() node

	step "The controller and its broker are killed while $PINGS numbered packets pass, $PING_GAP s apart; none is lost."
	count_pings anna "$(address ben)" &
	counters+=($!)
	count_pings ben "$(address carl)" &
	counters+=($!)
	until_true 5 pgrep -x ping >/dev/null || die "no ping runs"
	sleep 1
	shown ctl "kill -9 mmesh-controller mosquitto"
	kill -9 -- "-$CONTROLLER"
	wait "$CONTROLLER" 2>/dev/null || true
	on ctl network list >/dev/null 2>&1 && die "the controller lives on"
	wait "${counters[@]}" || true
	for node in anna ben; do
		grep 'packets transmitted' "$TMP/count-$node" | show
		grep -q " $PINGS received" "$TMP/count-$node" || die "packets were lost: $(cat "$TMP/count-$node")"
	done
	until_true 60 lost_controller || die "anna did not notice: $(on anna -d status)"
	on anna -d status | grep -E 'controller|broker|Health|warning' | show
}

lost_controller() { on anna -d status | grep -q 'controller: unreachable'; }
all_online() { [ "$(on ctl -j node list | jq '[.nodes[] | select(.online)] | length')" = 4 ]; }
is_connected() { on anna -d status | grep -q 'controller: connected'; }

mesh_again()
{
	step "The controller comes back; the nodes find it, and what was there is there."
	start_controller
	until_true 90 is_connected || die "anna does not find the controller again: $(on anna -d status)"
	until_true 90 all_online || die "not all nodes came back: $(on ctl node list)"
	tell ctl node list
	answers anna ben || die "anna gets no answer from ben"
}

# What the programs wrote, for whoever looks for the reason of a failure.
mesh_logs()
{
	local log

	mkdir -p "$TOP/build/demo"
	for log in "$TMP"/*/log; do
		[ ! -e "$log" ] || cp "$log" "$TOP/build/demo/$(basename "$(dirname "$log")").log"
	done
}

mesh_cleanup()
{
	local name

	mesh_logs

	[ -z "${CONTROLLER:-}" ] || kill -- "-$CONTROLLER" 2>/dev/null || true
	[ "${#MESH_PIDS[@]}" = 0 ] || kill "${MESH_PIDS[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	for name in $MESH_NAMES; do
		ip netns del "$(ns_of "$name")" 2>/dev/null || true
	done
}

mesh()
{
	mesh_machines
	mesh_start
	mesh_isolation
	mesh_relay
	mesh_outage
	mesh_again
}
