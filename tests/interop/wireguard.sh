#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# mmesh and the kernel's own wireguard, either as initiator.
. "$(dirname -- "$0")/../lib.sh"
OTHER=wireguard
MORE_TESTS=$(dirname -- "$0")/cases.sh
. "$MORE_TESTS"
SLOW_OMIT="preshared_key_they_initiate mtu_9000_theirs roaming_theirs new_key_of_ours_under_traffic
	passive_keepalive outer_fragments"

# Their records come one by one; while they stream in they are opened together, so that segments are joined.
test_single_records_are_joined()
{
	local size

	[ "$MMESH_SLOW" != 1 ] || skip_test "records don't come fast enough to be collected"
	theirs pair
	pings "$A" 192.168.241.2 10
	size=$(volume 20000000)
	tcp "$A" "$B" 192.168.241.2 "$size"
	expect_eq "$(stat "$B" "$DB" rx_bundles)" $(($(stat "$B" "$DB" rx_records) + $(stat "$B" "$DB" hs_init_rx))) \
		"datagrams and what was in them"
	expect_ge "$(stat "$B" "$DB" rx_coalesced)" $((size / 1500 / 2)) "joined packets"
}

# Waiting records, the small ones that don't wait, and handshakes keep their order, and none is lost.
test_single_records_keep_order()
{
	theirs pair
	pings "$A" 192.168.241.2 10
	udp "$A" "$B" 192.168.241.2 "$(volume 20000)" 1000 1400
	expect_eq "$R_reordered" 0 "datagrams out of order"
	expect_eq "$R_duplicate" 0 "duplicates"
	expect_ge "$R_unique" $((R_sent * 9 / 10)) "datagrams that came"
}

# The device goes down, gets another port, and goes away while records wait.
test_device_ends_under_single_records()
{
	local i

	theirs pair
	pings "$A" 192.168.241.2 10
	stream one "$A" "$B" 192.168.241.2
	for ((i = 0; i < 10; i++)); do
		snooze 0.05
		wgc "$B" set "$DB" listen-port $((1500 + i % 2))
		ip -n "$B" link set "$DB" down
		ip -n "$B" link set "$DB" up
		wgc "$B" set "$DB" listen-port 1002
	done
	pings "$B" 192.168.241.1 10
	snooze 0.2
	ip -n "$B" link del "$DB"
}

run_tests "$@"
