#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A bad underlay: loss, delay, reordering, duplicates, corruption. Nothing is
# delivered twice or changed, and what is lost is accounted for.
. "$(dirname -- "$0")/../lib.sh"

# bad_cable ARGS ...: both directions.
bad_cable()
{
	netem "$A" va "$@"
	netem "$B" vb "$@"
}

transfers()
{
	local size

	size=$(volume "${1:-1000000}")
	tcp "$A" "$B" 192.168.241.2 "$size"
	tcp "$B" "$A" fd00:9::1 "$size"
}

test_loss()
{
	OUTER=4 pair
	pings "$A" 192.168.241.2
	bad_cable loss 1% delay 1ms
	transfers 1000000
	bad_cable loss 5%
	udp "$A" "$B" fd00:9::2 "$(volume 4000)" 0 4000
	expect_eq "$R_duplicate" 0 "duplicates"
	expect_ge "$R_unique" $((R_sent * 85 / 100)) "datagrams delivered"
	expect_le "$R_unique" $((R_sent * 995 / 1000)) "datagrams delivered in spite of loss"
}

# The handshake itself gets through a cable that loses half: one try in three does, and there is one every 5 s.
test_handshake_under_loss()
{
	pair
	bad_cable loss 40%
	n_bg "$A" ping -q -i 0.5 192.168.241.2 >/dev/null
	wait_for 150 handshake_done "$A" "$DA"
	stop "$BG_PID"
}
handshake_done() { [ "$(handshake_time "$1" "$2")" -gt 0 ]; }

# Reordering alone loses nothing: the window is 8192 wide.
test_reorder()
{
	OUTER=6 pair
	pings "$A" 192.168.241.2
	bad_cable delay 3ms 2ms reorder 30% 50%
	udp "$A" "$B" 192.168.241.2 "$(volume 3000)" 0 3000
	expect_eq "$R_unique" "$R_sent" "datagrams delivered"
	expect_eq "$R_duplicate" 0 "duplicates"
	expect_ge "$R_reordered" 1 "reordering seen by the receiver"
	transfers 1000000
}

test_duplicates()
{
	local sent handed

	pair
	pings "$A" 192.168.241.2
	sent=$(link_stat "$A" "$DA" tx.packets)
	handed=$(link_stat "$B" "$DB" rx.packets)
	bad_cable duplicate 30%
	udp "$A" "$B" fd00:9::2 "$(volume 3000)" 0 3000
	expect_eq "$R_unique" "$R_sent" "datagrams delivered"
	expect_eq "$R_duplicate" 0 "duplicates delivered"
	# Inner fragments count as packets, at both ends.
	sent=$(($(link_stat "$A" "$DA" tx.packets) - sent))
	handed=$(($(link_stat "$B" "$DB" rx.packets) - handed))
	expect_eq "$handed" "$sent" "packets that B's device handed up"
	if has_stats "$B" "$DB"; then
		expect_ge "$(stat "$B" "$DB" rx_drop_replay)" $((R_sent / 5)) "replays counted"
	fi
	transfers 1000000
}

# A changed record is never delivered, and counted.
test_corruption()
{
	local before lost

	need_command ethtool
	pair
	pings "$A" 192.168.241.2
	# Let the tunnel find the errors, not UDP's checksum.
	n "$A" ethtool -K va tx off tso off gso off >/dev/null 2>&1 || true
	n "$B" ethtool -K vb rx on >/dev/null 2>&1 || true
	bad_cable corrupt 10%
	udp "$A" "$B" 192.168.241.2 "$(volume 4000)" 1000 4000
	expect_eq "$R_duplicate" 0 "duplicates"
	expect_ge "$R_unique" $((R_sent * 75 / 100)) "datagrams delivered"
	expect_le "$R_unique" $((R_sent - 1)) "datagrams delivered in spite of corruption"
	bad_cable corrupt 1%
	transfers 500000
}

test_everything_at_once()
{
	OUTER=6 PSK=1 pair
	bad_cable delay 5ms 3ms loss 2% duplicate 2% corrupt 1% reorder 10% 25%
	wait_for 30 pings "$A" 192.168.241.2 1
	IDLE_MS=60000 transfers 200000
	udp "$B" "$A" 192.168.241.1 "$(volume 2000)" 0 2000
	expect_eq "$R_duplicate" 0 "duplicates"
	expect_ge "$R_unique" $((R_sent * 80 / 100)) "datagrams delivered"
}

# What was sent = what arrived + what the cable lost + named drops.
test_balance()
{
	local sent lost handed sent0 handed0 err0 lost0 fd wire

	need_command ethtool
	pair
	both_ways
	# One packet on the cable is one record.
	n "$A" ethtool -K va tso off gso off tx-udp-segmentation off >/dev/null 2>&1 || true
	netem "$A" va loss 5% duplicate 5%
	sniff fd "$B" vb
	sum_before=$(records_accounted)
	sent0=$(link_stat "$A" "$DA" tx.packets)
	handed0=$(link_stat "$B" "$DB" rx.packets)
	err0=$(link_stat "$B" "$DB" rx.errors)
	lost0=$(cable_lost "$A" va)
	udp "$A" "$B" 192.168.241.2 "$(volume 4000)" 200 3000
	# Quiescence: nothing waits in the cable any more.
	wait_for 10 cable_empty "$A" va
	sent=$(($(link_stat "$A" "$DA" tx.packets) - sent0))
	handed=$(($(link_stat "$B" "$DB" rx.packets) - handed0))
	lost=$(($(cable_lost "$A" va) - lost0))
	expect_eq "$R_duplicate" 0 "duplicates"
	echo "sent $sent handed up $handed lost $lost"
	expect_ge "$sent" "$R_sent" "packets sent"
	# netem counts a packet that it lost as dropped; a duplicate can be lost
	# too, so the cable's losses are an upper limit of ours.
	expect_le $((sent - handed)) $((lost + $(link_stat "$B" "$DB" rx.errors) - err0)) \
		"packets unaccounted for"
	expect_ge "$handed" "$((sent - lost))" "packets handed up"
	expect_ge "$((sent - handed))" 1 "packets lost by a cable that loses 5 %"
	if has_stats "$B" "$DB"; then
		wire=$(sniffed "$fd" | grep -c '^in .* type=4 ')
		expect_eq $(($(records_accounted) - sum_before)) "$wire" \
			"records delivered or dropped for a named reason, of those on the cable"
	fi
}
records_accounted()
{
	has_stats "$B" "$DB" || { echo 0; return; }
	n "$B" mmesh -j stat show dev "$DB" |
		jq '[.. | objects | to_entries[] | select(.key | test("^rx_(records|drop_(short|type|no_session|expired|auth|replay))$")) | .value] | add'
}
cable_lost() { tc -n "$1" -j -s qdisc show dev "$2" | jq '.[0].drops'; }
cable_empty() { [ "$(tc -n "$1" -j -s qdisc show dev "$2" | jq '.[0].qlen')" = 0 ]; }

run_tests "$@"
