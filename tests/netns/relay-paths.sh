#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Direct paths beside a relay: the relay takes over when they die, and they take back.
. "$(dirname -- "$0")/../lib.sh"

mm() { mmesh -n "$1" "${@:2}"; }

# node VAR NUMBER: a namespace with a tunnel mm0, 192.168.241.NUMBER.
node()
{
	local ns=${!1}

	tunnel "$ns" mm0
	keys "$1"
	mm "$ns" dev set mm0 private-key "${PRIV[$1]}" listen-port "100$2"
	ip -n "$ns" addr add "192.168.241.$2/24" dev mm0
	ip -n "$ns" link set mm0 mtu 1380 up
}

# A(1) and B(2) with a cable to relay R(3) each, and one between them.
triangle()
{
	ns A B R
	veth "$A" toR "$R" ra
	veth "$B" toR "$R" rb
	veth "$A" va "$B" vb
	addr "$A" toR 10.9.1.1/24; addr "$R" ra 10.9.1.254/24
	addr "$B" toR 10.9.2.1/24; addr "$R" rb 10.9.2.254/24
	addr "$A" va 10.3.0.1/24; addr "$B" vb 10.3.0.2/24
	node A 1; node B 2; node R 3
	mm "$R" dev set mm0 relay on
	mm "$R" relay add "${PUB[A]}" dev mm0 network 7
	mm "$R" relay add "${PUB[B]}" dev mm0 network 7
	mm "$A" peer add "${PUB[R]}" dev mm0 extended on endpoint 10.9.1.254:1003 persistent-keepalive 5
	mm "$B" peer add "${PUB[R]}" dev mm0 extended on endpoint 10.9.2.254:1003 persistent-keepalive 5
	mm "$A" peer add "${PUB[B]}" dev mm0 extended on via "${PUB[R]}" allowed-ips 192.168.241.2/32 "${@}"
	mm "$B" peer add "${PUB[A]}" dev mm0 extended on via "${PUB[R]}" allowed-ips 192.168.241.1/32
}

direct_candidates()
{
	mm "$A" path add "${PUB[B]}" dev mm0 endpoint 10.3.0.2:1002
	mm "$B" path add "${PUB[A]}" dev mm0 endpoint 10.3.0.1:1001
}

# The address in use, "null" for a relay.
in_use() { mm "$1" -j path show dev mm0 "${PUB[$2]}" | jq -r '.paths[] | select(.current) | .endpoint.address'; }
direct() { [ "$(in_use "$A" B)" = 10.3.0.2 ] && [ "$(in_use "$B" A)" = 10.3.0.1 ]; }
relayed() { [ "$(in_use "$A" B)" = null ] && [ "$(in_use "$B" A)" = null ]; }
relay_alive() { mm "$1" -j path show dev mm0 "${PUB[$2]}" | jq -e '.paths[] | select(.endpoint == null and .state == "alive")' >/dev/null; }

cut_off()
{
	local at dev

	for at in "$A va" "$B vb"; do
		dev=${at#* }
		n "${at% *}" nft -f - <<-EOT
			table netdev cut {
				chain c { type filter hook ingress device "$dev" priority 0; policy drop; arp operation 1-2 accept; }
			}
		EOT
	done
}
mend() { n "$A" nft delete table netdev cut; n "$B" nft delete table netdev cut; }

traffic()
{
	n_bg "$A" ping -n -D -i 0.02 -c 1000000 192.168.241.2 >"$TMP/pings" 2>&1
	TRAFFIC_PID=$BG_PID
}
answers() { grep -c 'bytes from' "$TMP/pings" || true; }
traffic_flows() { local before; before=$(answers); snooze 0.15; [ "$(answers)" -gt "$before" ]; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
longest_gap()
{
	sed -n 's/^\[\([0-9]*\)\.\([0-9]\{3\}\).*bytes from.*/\1\2/p' "$TMP/pings" |
		awk -v from="$1" '$1 >= from - 100 { if (last && $1 - last > gap) gap = $1 - last; last = $1 } END { print gap + 0 }'
}
summary() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print "median", v[int((NR + 1) / 2)], "worst", v[NR] }'; }
worst() { printf '%s\n' "$@" | sort -n | tail -n 1; }

test_direct_is_preferred()
{
	triangle
	traffic
	wait_for 10 traffic_flows
	wait_for 10 relayed
	direct_candidates
	wait_for 10 direct
	wait_for 5 traffic_flows
	wait_for 10 relay_alive "$A" B
	stop "$TRAFFIC_PID"
}

handshake() { mm "$A" -j peer show dev mm0 "${PUB[B]}" | jq -r '.peers[0].latest_handshake_epoch'; }

test_failover_to_relay_and_back()
{
	local before now begin i start=$SECONDS changes=0 gaps=() backs=()

	need_command nft
	triangle
	direct_candidates
	traffic
	wait_for 20 direct
	wait_for 10 relay_alive "$A" B
	wait_for 10 relay_alive "$B" A
	before=$(handshake)
	for i in $(seq "${ROUNDS:-3}"); do
		snooze "1.$((RANDOM % 10))"
		begin=$(now_ms)
		cut_off
		wait_for 5 relayed
		wait_for 5 traffic_flows
		now=$(handshake)
		[ "$now" = "$before" ] || changes=$((changes + 1))
		before=$now
		gaps+=("$(longest_gap "$begin")")
		snooze "1.$((RANDOM % 10))"
		begin=$(now_ms)
		mend
		wait_for 12 direct
		backs+=($(($(now_ms) - begin)))
	done
	printf 'direct to relay: %s\nrelay to direct: %s\n' "$(summary "${gaps[@]}")" "$(summary "${backs[@]}")" |
		tee "${FIGURES:-/dev/null}"
	expect_le "$(worst "${gaps[@]}")" 3000 "the longest failover, ms"
	expect_le "$(worst "${backs[@]}")" 10000 "the longest return, ms"
	# Those that a session's age asks for, and no others.
	expect_le "$changes" $(((SECONDS - start) / 115)) "new sessions"
	stop "$TRAFFIC_PID"
}

why() { mm "$A" -j path show dev mm0 "${PUB[B]}" | jq -r '.paths[] | select(.current) | .not_direct'; }

# For a peer that is reached by a relay it is said why.
test_why_not_direct()
{
	need_command nft
	triangle
	traffic
	wait_for 20 traffic_flows
	wait_for 10 relayed
	direct_candidates
	wait_for 20 direct
	expect_eq "$(why)" null "of a direct path"
	wait_for 10 relay_alive "$A" B
	wait_for 10 relay_alive "$B" A
	cut_off
	wait_for 10 relayed
	why | grep -q '10\.3\.0\.2:1002 stopped answering'
	mm "$A" path show dev mm0 "${PUB[B]}" | grep 'not direct' >&2
	stop "$TRAFFIC_PID"
}

# The relay is restarted while it carries the traffic.
test_relay_restarts()
{
	triangle
	traffic
	wait_for 10 traffic_flows
	ip -n "$R" link set mm0 down
	snooze 2
	ip -n "$R" link set mm0 up
	wait_for 30 traffic_flows
	stop "$TRAFFIC_PID"
}

run_tests "$@"
