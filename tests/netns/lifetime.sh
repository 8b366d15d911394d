#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Things that come and go under traffic: devices, peers, namespaces, the module.
. "$(dirname -- "$0")/../lib.sh"

# noise NS ADDR: pings as fast as they go, until the test ends.
noise()
{
	n_bg "$1" ping -q -f "$2" >/dev/null 2>&1
	NOISE=$BG_PID
}

# A device moves to a namespace without a cable; its socket stays behind.
test_move_to_another_netns()
{
	pair
	ns C
	pings "$A" 192.168.241.2
	KIND_OF[$C/$DA]=${KIND_OF[$A/$DA]}
	noise "$B" 192.168.241.1
	ip -n "$A" link set "$DA" netns "$C"
	addr "$C" "$DA" 192.168.241.1/24 fd00:9::1/64
	ip -n "$C" link set "$DA" up
	wait_for 15 pings "$C" 192.168.241.2 1
	tcp "$C" "$B" 192.168.241.2 "$(volume 1000000)"
	tcp "$B" "$C" fd00:9::1 "$(volume 1000000)"
	expect_eq "$(ip -n "$C" -o link show type veth | wc -l)" 0 "cables in C"
	n "$A" ss -Hlnu 'sport = 1001' | grep -q 1001 || fail "the socket is not where the device was born"
	# The port can be changed from there by who may.
	wgc "$C" set "$DA" listen-port 1003
	wait_for 15 pings "$C" 192.168.241.2 1
	# And home again.
	ip -n "$C" link set "$DA" netns "$A"
	addr "$A" "$DA" 192.168.241.1/24 fd00:9::1/64
	ip -n "$A" link set "$DA" up
	wait_for 15 pings "$A" 192.168.241.2 1
}

# The namespace of the socket dies first: the device lives, without a way out.
test_birth_netns_dies()
{
	pair
	ns C
	KIND_OF[$C/$DA]=${KIND_OF[$A/$DA]}
	ip -n "$A" link set "$DA" netns "$C"
	addr "$C" "$DA" 192.168.241.1/24 fd00:9::1/64
	ip -n "$C" link set "$DA" up
	wait_for 15 pings "$C" 192.168.241.2 1
	noise "$C" 192.168.241.2
	noise "$B" 192.168.241.1
	ns_del "$A"
	wait_for 20 silent "$C" 192.168.241.2 1
	refused wgc "$C" set "$DA" listen-port 1009
	wgc "$C" show "$DA" >/dev/null
	ip -n "$C" link set "$DA" down
	! ip -n "$C" link set "$DA" up || true
	ip -n "$C" link del "$DA"
}

# The namespace of the device dies first, then the one of the socket.
test_device_netns_dies()
{
	pair
	ns C
	KIND_OF[$C/$DA]=${KIND_OF[$A/$DA]}
	ip -n "$A" link set "$DA" netns "$C"
	addr "$C" "$DA" 192.168.241.1/24 fd00:9::1/64
	ip -n "$C" link set "$DA" up
	wait_for 15 pings "$C" 192.168.241.2 1
	noise "$B" 192.168.241.1
	ns_del "$C"
	wait_for 20 port_free "$A" 1001
	ns_del "$A"
	ns_del "$B"
}
port_free() { ! n "$1" ss -Hlnu "sport = $2" | grep -q .; }

# Two namespaces each of which holds the other's device.
test_circular_netns()
{
	pair
	pings "$A" 192.168.241.2
	# Linux 6.1 renames no device that is up.
	ip -n "$B" link set "$DB" down
	ip -n "$B" link set "$DB" name mm1
	ip -n "$A" link set "$DA" netns "$B"
	ip -n "$B" link set mm1 netns "$A"
	addr "$B" "$DA" 192.168.241.1/24
	addr "$A" mm1 192.168.241.2/24
	ip -n "$B" link set "$DA" up
	ip -n "$A" link set mm1 up
	wait_for 15 pings "$A" 192.168.241.1 1
	noise "$A" 192.168.241.1
	ns_del "$A"
	ns_del "$B"
}

# A namespace goes with everything in it while traffic runs, many times.
test_netns_under_traffic()
{
	local i

	for i in $(seq "$(volume 10)"); do
		pair
		pings "$A" 192.168.241.2
		noise "$A" 192.168.241.2
		ns_del "$B"
		[ $((i % 2)) = 0 ] || stop "$NOISE"
		ns_del "$A"
		[ $((i % 2)) = 1 ] || stop "$NOISE"
	done
}

# Devices come and go under the traffic of one that stays.
test_device_churn()
{
	local i count

	count=$(volume 1000)
	pair
	stream one "$B" "$A" 192.168.241.1
	{
		for i in $(seq "$count"); do
			echo "link add c$i type $MMESH_KIND"
			echo "link set c$i up"
			echo "link del c$i"
		done
	} | ip -n "$A" -batch -
	stream_end one
	both_ways
}

# The device under traffic itself is deleted and made again.
test_device_deleted_under_traffic()
{
	local i first

	pair
	for i in $(seq "$(volume 15)"); do
		wait_for 15 pings "$B" 192.168.241.1 1
		noise "$B" 192.168.241.1
		first=$NOISE
		noise "$A" 192.168.241.2
		ip -n "$A" link del "$DA"
		tunnel "$A" "$DA"
		wgc "$A" set "$DA" private-key "${PRIV[A]}" listen-port 1001 peer "${PUB[B]}" \
			endpoint "$EP_B" allowed-ips 192.168.241.2/32,fd00:9::2/128
		addr "$A" "$DA" 192.168.241.1/24 fd00:9::1/64
		ip -n "$A" link set "$DA" up
		stop "$first"
		stop "$NOISE"
		pings "$A" 192.168.241.2 10
	done
}

# Thousands of peers come and go while another one has traffic.
test_peer_churn()
{
	local round per_round

	per_round=$(volume 1000)
	pair
	stream one "$A" "$B" 192.168.241.2
	for round in 1 2 3 4; do
		{
			echo '[Interface]'
			"$TRAFFIC" keys -n "$per_round" -s "$((SEED + round))" | awk '{
				printf "[Peer]\nPublicKey = %s\n", $1
				printf "AllowedIPs = 10.%d.%d.0/24, fd77:%x::/64\n", NR / 256, NR % 256, NR
				if (NR % 3)
					printf "Endpoint = 10.9.0.2:%d\n", 2000 + NR
			}'
		} >"$TMP/conf"
		wgc "$A" addconf "$DA" "$TMP/conf"
		expect_eq "$(wgc "$A" show "$DA" peers | wc -l)" $((per_round + 1)) "peers"
		# Back to the one that has traffic, which must not notice.
		{
			printf '[Interface]\nPrivateKey = %s\nListenPort = 1001\n' "$(cat "${PRIV[A]}")"
			printf '[Peer]\nPublicKey = %s\nEndpoint = %s\n' "${PUB[B]}" "$EP_B"
			printf 'AllowedIPs = 192.168.241.2/32, fd00:9::2/128\n'
		} >"$TMP/conf"
		wgc "$A" syncconf "$DA" "$TMP/conf"
		expect_eq "$(wgc "$A" show "$DA" peers)" "${PUB[B]}" "peers left"
	done
	stream_end one
	both_ways
}

# The peer that has traffic goes and comes.
test_peer_removed_under_traffic()
{
	local i

	pair
	pings "$A" 192.168.241.2
	noise "$B" 192.168.241.1
	noise "$A" 192.168.241.2
	for i in $(seq "$(volume 40)"); do
		wgc "$A" set "$DA" peer "${PUB[B]}" remove
		wgc "$A" set "$DA" peer "${PUB[B]}" endpoint "$EP_B" \
			allowed-ips 192.168.241.2/32,fd00:9::2/128
	done
	wait_for 20 pings "$A" 192.168.241.2 1
	both_ways
}

# Prefixes around the one in use come and go; no packet of the flow is lost.
test_allowed_ip_churn()
{
	local i j list

	pair
	pings "$A" 192.168.241.2
	n "$A" ping -q -i 0.01 -c "$(volume 600)" 192.168.241.2 >"$TMP/out" &
	FLOW=$!
	keys X
	for i in $(seq "$(volume 30)"); do
		list=
		for j in $(seq 40); do
			list+=,192.168.$((RANDOM % 256)).$((RANDOM % 256))/$((8 + RANDOM % 23))
			list+=,fd00:$((RANDOM % 10)):$((RANDOM % 9999))::/$((16 + RANDOM % 100))
		done
		wgc "$A" set "$DA" peer "${PUB[X]}" allowed-ips "${list#,}"
		wgc "$A" set "$DA" peer "${PUB[X]}" allowed-ips ""
	done
	wgc "$A" set "$DA" peer "${PUB[X]}" remove
	wait "$FLOW"
	grep -qE "\<$(volume 600) received" "$TMP/out" || fail "$(grep received "$TMP/out")"
	both_ways
}

# The link goes up and down, the port changes, the mark changes, under traffic.
test_settings_churn()
{
	local i

	pair
	pings "$A" 192.168.241.2
	noise "$B" 192.168.241.1
	noise "$A" 192.168.241.2
	for i in $(seq "$(volume 40)"); do
		ip -n "$A" link set "$DA" down
		wgc "$A" set "$DA" listen-port $((1100 + i % 7)) fwmark "$i"
		ip -n "$A" link set "$DA" up
		wgc "$B" set "$DB" listen-port $((1200 + i % 5)) peer "${PUB[A]}" \
			endpoint "10.9.0.1:$((1100 + i % 7))"
		ip -n "$A" link set "$DA" mtu $((1280 + i))
	done
	wgc "$A" set "$DA" fwmark 0 peer "${PUB[B]}" endpoint "10.9.0.2:$((1200 + i % 5))"
	wait_for 20 pings "$A" 192.168.241.2 1
}

# Readers and writers of the configuration at once.
test_dump_under_change()
{
	local i reader

	pair
	pings "$A" 192.168.241.2
	( while :; do wgc "$A" show "$DA" dump >/dev/null || exit 1; done ) &
	reader=$!
	echo "$reader" >>"$TMP/pids"
	keys X Y
	for i in $(seq "$(volume 40)"); do
		wgc "$A" set "$DA" peer "${PUB[X]}" allowed-ips 10.5.0.0/16,fd55::/64 \
			endpoint 10.9.0.77:7 persistent-keepalive 25
		wgc "$A" set "$DA" peer "${PUB[Y]}" allowed-ips 10.5.0.0/16 peer "${PUB[X]}" remove
		wgc "$A" set "$DA" peer "${PUB[Y]}" remove
	done
	kill -0 "$reader" || fail "the reader got an error"
	kill -KILL "$reader"
	pings "$A" 192.168.241.2
}

# The module goes while devices have traffic, and comes back.
test_module_unload_under_traffic()
{
	local i ko

	[ "$MMESH_KIND" = mmesh ] && ko=${MMESH_KO:-}
	[ -d "/sys/module/$MMESH_KIND" ] && [ -e /proc/modules ] &&
		grep -q "^$MMESH_KIND " /proc/modules || skip_test "$MMESH_KIND is not a module here"
	# Nothing else may use the module while this runs.
	for i in $(seq "$(volume 5)"); do
		pair
		pings "$A" 192.168.241.2
		noise "$A" 192.168.241.2
		noise "$B" 192.168.241.1
		rmmod "$MMESH_KIND"
		! ip -n "$A" link show "$DA" >/dev/null 2>&1 || fail "the device outlived its module"
		# User-mode Linux's KASAN takes the place of an unloaded module
		# for forbidden for ever, so there it can't come back.
		[[ $(uname -r) != *uml-debug ]] || return 0
		if [ -n "${ko:-}" ]; then
			insmod "$ko"
		else
			modprobe "$MMESH_KIND"
		fi
		ns_del "$A"
		ns_del "$B"
	done
	pair
	both_ways
}

run_tests "$@"
