#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hostile packets: `mmesh-hostile` has a peer's keys and sends what no device may accept. It checks itself that each
# message is counted under the right name and that nothing is answered; here the memory is looked at as well.
#
#     scripts/lab run -k uml -- tests/wire/hostile.sh [TEST ...]
#
# Environment: MMESH_HOSTILE_COUNT, the messages that each attack sends.
. "$(dirname -- "$0")/../lib.sh"

HOSTILE=$TEST_TOP/build/bin/mmesh-hostile
case ${MMESH_LAB_KERNEL:-}/$MMESH_SLOW in
uml-debug/*) COUNT=1000 ;;
*/1) COUNT=2000 ;;
*) COUNT=100000 ;;
esac
COUNT=${MMESH_HOSTILE_COUNT:-$COUNT}

slab() { awk '$1 == "SUnreclaim:" { print $2 }' /proc/meminfo; }
# Caches keep pages of freed objects, and KASAN keeps the objects themselves for a while: only after this is it all in use.
shrink_slab()
{
	local file

	for file in /sys/kernel/slab/*/shrink; do
		echo 1 >"$file"
	done
} 2>/dev/null
slab_below() { [ "$(slab)" -le "$1" ] || { shrink_slab; [ "$(slab)" -le "$1" ]; }; }

# device: in A, with a cable to X, where the hostile peer is. PSK=1, OUTER=4|6.
device()
{
	ns A X
	veth "$A" va "$X" vx
	addr "$A" va 10.9.0.1/24 fd09::1/64
	addr "$X" vx 10.9.0.2/24 fd09::2/64
	tunnel "$A" mm0
	keys A X
	TO=10.9.0.1 FROM=10.9.0.2:1002
	[ "${OUTER:-4}" = 4 ] || TO=fd09::1 FROM=[fd09::2]:1002
	wgc "$A" set mm0 private-key "${PRIV[A]}" listen-port 1001
	(umask 077; wg genpsk >"$TMP/psk")
	add_peer
	addr "$A" mm0 10.66.0.1/24 fd66::1/64
	ip -n "$A" link set mm0 mtu 1420 up
}

# add_peer: X at A, without a session.
add_peer()
{
	local psk=()

	[ "${PSK:-0}" = 0 ] || psk=(preshared-key "$TMP/psk")
	wgc "$A" set mm0 peer "${PUB[X]}" remove
	wgc "$A" set mm0 peer "${PUB[X]}" "${psk[@]}" allowed-ips 10.66.0.2/32,fd66::2/128 endpoint "$FROM"
}

# hostile COUNT [OPTION ...] ATTACK
hostile()
{
	local psk=()

	[ "${PSK:-0}" = 0 ] || psk=(--psk "$TMP/psk")
	n "$X" "$HOSTILE" --netns "/run/netns/$A" --dev mm0 --to "$TO" --port 1001 --bind 1002 \
		--inside 10.66.0.2 --private "${PRIV[X]}" --public "${PUB[A]}" "${psk[@]}" \
		--seed $((SEED + 1)) --count "$@"
}

# attack NAME COUNTER [DIVISOR [OPTION ...]]: COUNTER is where the tool shows the bulk of it, an attack that costs its
# sender much sends a part of the messages.
attack()
{
	local name=$1 counter=$2 count=$((COUNT / ${3:-1})) before

	device
	# Caches and pools of the first hundreds are no growth.
	hostile 500 "${@:4}" "$name"
	add_peer
	shrink_slab
	before=$(slab)
	hostile "$count" "${@:4}" "$name"
	expect_ge "$(stat "$A" mm0 "$counter")" $((count / 20)) "$counter"
	# A leak of the smallest object for each message would be more.
	wait_for 15 slab_below $((before + 256 + count / 64))
}

test_short() { attack short rx_drop_short; }
test_unknown_types() { attack unknown-types rx_drop_type; }
test_wrong_lengths()
{
	attack wrong-lengths rx_drop_short
	expect_ge "$(stat "$A" mm0 rx_drop_long)" $((COUNT / 20)) "rx_drop_long"
}
test_unknown_sessions() { attack unknown-sessions rx_drop_no_session; }
test_forged_records() { attack forged-records rx_drop_auth; }
test_flipped_records() { attack flipped-records rx_drop_auth; }
test_cut_records() { attack cut-records rx_drop_auth; }
test_replayed_records() { attack replayed-records rx_drop_replay; }
test_late_records() { attack late-records rx_drop_replay; }
test_reflected_records() { attack reflected-records rx_drop_auth; }
test_inner_packets() { attack inner-packets rx_drop_source; }
test_impossible_ecn() { attack impossible-ecn rx_drop_ecn; }

# The same in aggregates, as a sender with UDP_SEGMENT makes them.
test_bundled_sessions() { attack unknown-sessions rx_drop_no_session 1 --bundles; }
test_bundled_forged() { attack forged-records rx_drop_auth 1 --bundles; }
test_bundled_flipped() { attack flipped-records rx_drop_auth 1 --bundles; }
test_bundled_replayed() { attack replayed-records rx_drop_replay 1 --bundles; }
test_bundled_inner() { attack inner-packets rx_drop_source 1 --bundles; }
test_bundled_macs() { attack forged-macs hs_drop_mac1 1 --bundles; }
test_ipv6_bundled_flipped() { OUTER=6 attack flipped-records rx_drop_auth 1 --bundles; }

test_forged_macs() { attack forged-macs hs_drop_mac1; }
test_random_initiations() { attack random-initiations hs_drop_decrypt 2; }
test_flipped_initiations() { attack flipped-initiations hs_drop_decrypt 2; }
test_low_order_points() { attack low-order-points hs_drop_decrypt 4; }
test_strangers() { attack strangers hs_drop_unknown_peer 4; }
test_impostors() { attack impostors hs_drop_decrypt 4; }
test_wrong_suite() { attack wrong-suite hs_drop_suite 4; }
test_replayed_initiations() { attack replayed-initiations hs_drop_replay 4; }
test_hasty_initiations() { attack hasty-initiations hs_drop_flood 20; }

test_unknown_responses() { attack unknown-responses hs_drop_no_index; }
test_forged_responses() { PSK=1 attack forged-responses hs_drop_decrypt 4; }
test_replayed_responses() { PSK=1 attack replayed-responses hs_drop_no_index; }
test_reflected_handshakes() { attack reflected-handshakes hs_drop_mac1; }
test_forged_cookies() { attack forged-cookies hs_drop_cookie_invalid; }
test_replayed_cookies() { attack replayed-cookies hs_drop_cookie_invalid; }

test_ipv6_unknown_types() { OUTER=6 attack unknown-types rx_drop_type; }
test_ipv6_forged_records() { OUTER=6 attack forged-records rx_drop_auth; }
test_ipv6_random_initiations() { OUTER=6 attack random-initiations hs_drop_decrypt 10; }
test_ipv6_cookie_way() { OUTER=6 attack cookie-way hs_drop_cookie_required 100000; }

# Less than this is no load.
test_overload() { COUNT=$((COUNT < 20000 ? 20000 : COUNT)) attack overload hs_drop_queue_full; }
test_cookie_way() { attack cookie-way hs_drop_cookie_required 100000; }
test_hasty_address() { attack hasty-address hs_drop_ratelimit 100000; }

# member NAME OCTET: namespace NAME with a cable and a tunnel to A; the tunnel's addresses are 10.66.OCTET.1 at A, .2.
member()
{
	local -n member_ns=$1
	local octet=$2

	ns "$1"
	veth "$A" "v$1" "$member_ns" vb
	addr "$A" "v$1" "10.9.$octet.1/24"
	addr "$member_ns" vb "10.9.$octet.2/24"
	ip -n "$A" route add "10.66.$octet.2/32" dev mm0
	join "$@"
}

# join NAME OCTET [KIND]: make the tunnel and its keys.
join()
{
	local -n member_ns=$1
	local octet=$2

	keys "$1"
	tunnel "$member_ns" mm0 "${3:-$MMESH_KIND}"
	wgc "$member_ns" set mm0 private-key "${PRIV[$1]}" peer "${PUB[A]}" allowed-ips 10.66.0.1/32 \
		endpoint "10.9.$octet.1:1001"
	addr "$member_ns" mm0 "10.66.$octet.2/32"
	ip -n "$member_ns" link set mm0 mtu 1420 up
	ip -n "$member_ns" route add 10.66.0.1/32 dev mm0
	wgc "$A" set mm0 peer "${PUB[$1]}" allowed-ips "10.66.$octet.2/32"
}

# Cookies that D took; of wireguard.ko nothing tells it.
cookies() { [ "${KIND_OF[$D/mm0]}" = mmesh ] && stat "$D" mm0 hs_cookie_rx || echo 1; }
is_flooded() { [ "$(stat "$A" mm0 hs_drop_cookie_required)" -ge 1000 ]; }
objects() { awk '$1 == "mmesh_handshake_message" { print $2 }' /proc/slabinfo; }

# Handshakes from invented sources, as many as fit: who has a session notices nothing, who has none gets one by cookie.
flood()
{
	local before flooder try

	device
	addr "$A" mm0 10.66.0.1/32
	ip -n "$A" route add default via 10.9.0.2
	n "$A" sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.va.rp_filter=0
	member C 1
	member D 2 "$1"
	pings "$C" 10.66.0.1
	before=$(slab)
	hostile 1000000000 spoofed-flood &
	flooder=$!
	echo "$flooder" >>"$TMP/pids"
	wait_for 20 is_flooded
	# 500 round trips, none lost.
	n "$C" ping -q -c 500 -i 0.01 -W 5 10.66.0.1 >"$TMP/ping"
	grep -q ' 500 received' "$TMP/ping" || fail "an existing session: $(grep received "$TMP/ping")"
	# New peers get in. The device may catch its breath just then, so there are several until one had to show a cookie.
	for try in 1 2 3 4 5 6 7 8 9 10; do
		wait_for 60 pings "$D" 10.66.0.1 5
		[ "$(cookies)" = 0 ] || break
		ip -n "$D" link del mm0
		wgc "$A" set mm0 peer "${PUB[D]}" remove
		join D 2 "$1"
	done
	expect_ge "$(cookies)" 1 "cookies that a new peer took"
	kill -0 "$flooder" || fail "the flood has ended before"
	# The queue is bounded, and so is what it costs.
	expect_le "$(objects)" 4352 "queued messages"
	expect_le "$(slab)" $((before + 8192)) "kernel memory in KiB"
	pings "$C" 10.66.0.1
	kill "$flooder"
	wait_for 20 slab_below $((before + 1024))
}
test_flood() { flood mmesh; }
test_flood_wireguard() { need_module wireguard; flood wireguard; }

# relay_attack NAME COUNTER [DIVISOR]: the device relays for clients that are the hostile peer's.
relay_attack()
{
	local count=$((COUNT / ${3:-1})) before name key

	device
	wgc "$A" set mm0 peer "${PUB[X]}" remove
	n "$A" mmesh dev set mm0 relay on
	n "$A" mmesh relay add "${PUB[X]}" dev mm0 network 7
	while read -r _ name key; do
		case $name in
		second) n "$A" mmesh relay add "$key" dev mm0 network 7 ;;
		foreign) n "$A" mmesh relay add "$key" dev mm0 network 8 ;;
		stranger) n "$A" mmesh peer add "$key" dev mm0 extended on ;;
		esac
	done < <(hostile 1 show-keys | grep ^key)
	hostile 500 "$1"
	shrink_slab
	before=$(slab)
	# The device takes one initiation a client in 20 ms.
	snooze 0.1
	hostile "$count" "$1"
	expect_ge "$(stat "$A" mm0 "$2")" $((count / 20)) "$2"
	wait_for 15 slab_below $((before + 256 + count / 64))
}

# The relay is the hostile one: the device is its client, and reaches another by it.
test_rogue_relay()
{
	local name key

	device
	n "$A" mmesh peer set "${PUB[X]}" dev mm0 extended on
	while read -r _ name key; do
		[ "$name" != second ] || n "$A" mmesh peer add "$key" dev mm0 extended on via "${PUB[X]}"
	done < <(hostile 1 show-keys | grep ^key)
	hostile $((COUNT / 5)) rogue-relay
	expect_ge "$(stat "$A" mm0 rx_drop_auth)" $((COUNT / 20)) rx_drop_auth
}

test_forged_legs() { relay_attack forged-legs leg_drop_auth 5; }
test_replayed_legs() { relay_attack replayed-legs leg_drop_replay 5; }
test_reflected_legs() { relay_attack reflected-legs leg_drop_auth 5; }
test_malformed_legs() { relay_attack malformed-legs leg_drop_malformed 5; }
test_foreign_channels() { relay_attack foreign-channels leg_drop_channel 5; }
test_unpermitted() { relay_attack unpermitted relay_drop_permit 5; }
test_forged_controls() { relay_attack forged-controls ctl_drop_auth 5; }
test_replayed_controls() { relay_attack replayed-controls ctl_drop_replay 5; }
test_malformed_controls() { relay_attack malformed-controls ctl_drop_malformed 1000; }
test_flood_of_controls() { relay_attack flood-of-controls ctl_drop_rate 5; }

make -s -C "$TEST_TOP/tests/wire" >&2 || exit 2
# Where everything takes many times as long, one attack of each sort.
if [ $# = 0 ] && [ "${MMESH_LAB_KERNEL:-}/$MMESH_SLOW" != uml/0 ]; then
	set -- wrong_lengths bundled_flipped replayed_records inner_packets forged_macs flipped_initiations \
		replayed_initiations forged_responses forged_cookies ipv6_forged_records \
		forged_legs foreign_channels malformed_controls
	# With the checks in it that kernel sends more slowly than it computes: nobody can overload it.
	[ "${MMESH_LAB_KERNEL:-}" = uml-debug ] || set -- "$@" cookie_way overload flood
fi
run_tests "$@"
