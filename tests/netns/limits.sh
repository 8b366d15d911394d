#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Large tables, hosts with one address family, and who may do what.
. "$(dirname -- "$0")/../lib.sh"
SLOW_OMIT="many_devices link_local_endpoint"

# 130,560 prefixes on one peer go in and come back, through many messages.
test_many_allowed_ips()
{
	local count

	ns A
	tunnel "$A" mm0
	keys A B
	awk -v priv="$(cat "${PRIV[A]}")" -v pub="${PUB[B]}" 'BEGIN {
		printf "[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\n", priv, pub
		for (a = 0; a <= 255; a++) {
			printf "AllowedIPs = "
			for (b = 0; b <= 254; b++)
				printf "%s%d.%d.0.0/16, %x:%x::/32", b ? ", " : "", a, b, 8192 + a, b
			printf "\n"
		}
	}' >"$TMP/conf"
	wgc "$A" setconf mm0 "$TMP/conf"
	count=$(wgc "$A" show mm0 allowed-ips | tr -s ' \t' '\n' | grep -cE '^[0-9a-f.:]+/[0-9]+$')
	expect_eq "$count" 130560 "prefixes read back"
	expect_eq "$(wgc "$A" show mm0 allowed-ips | tr -s ' \t' '\n' | grep -E '^[0-9a-f.:]+/[0-9]+$' | sort -u | wc -l)" 130560 \
		"different prefixes read back"
	ip -n "$A" link del mm0
}

test_many_peers()
{
	local peers

	peers=$(volume 4000)
	ns A
	tunnel "$A" mm0
	keys A
	{
		printf '[Interface]\nPrivateKey = %s\n' "$(cat "${PRIV[A]}")"
		"$TRAFFIC" keys -n "$peers" -s "$SEED" | awk '{
				printf "[Peer]\nPublicKey = %s\n", $1
				printf "AllowedIPs = 10.%d.%d.1/32, fd10:%x::/64\n", NR / 250, NR % 250, NR
				printf "Endpoint = 10.9.%d.%d:51820\nPersistentKeepalive = 25\n", NR / 250, NR % 250
			}'
	} >"$TMP/conf"
	wgc "$A" setconf mm0 "$TMP/conf"
	expect_eq "$(wgc "$A" show mm0 peers | sort -u | wc -l)" "$peers" "peers"
	expect_eq "$(wgc "$A" show mm0 allowed-ips | tr -s ' \t' '\n' | grep -cE '^[0-9a-f.:]+/[0-9]+$')" $((peers * 2)) "prefixes"
	expect_eq "$(wgc "$A" show mm0 endpoints | grep -c :51820)" "$peers" "endpoints"
	ip -n "$A" link set mm0 up
	wgc "$A" showconf mm0 | grep -c '^\[Peer\]' | grep -qx "$peers"
	ip -n "$A" link del mm0
}

test_many_devices()
{
	local i count

	count=$(volume 200)
	ns A
	for i in $(seq "$count"); do
		echo "link add d$i type $MMESH_KIND"
		echo "link set d$i up"
	done | ip -n "$A" -batch -
	expect_eq "$(wgc "$A" show interfaces | wc -w)" "$count" "devices"
	ns_del "$A"
}

# A host without IPv6 (ipv6.disable_ipv6 on all its interfaces).
test_ipv4_only_host()
{
	ns A B
	n "$A" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	n "$B" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	veth "$A" va "$B" vb
	ip -n "$A" addr add 10.9.0.1/24 dev va
	ip -n "$B" addr add 10.9.0.2/24 dev vb
	tunnel "$A" mm0
	tunnel "$B" mm0
	keys A B
	wgc "$A" set mm0 private-key "${PRIV[A]}" listen-port 1001 peer "${PUB[B]}" \
		endpoint 10.9.0.2:1002 allowed-ips 192.168.241.2/32
	wgc "$B" set mm0 private-key "${PRIV[B]}" listen-port 1002 peer "${PUB[A]}" \
		allowed-ips 192.168.241.1/32
	ip -n "$A" addr add 192.168.241.1/24 dev mm0
	ip -n "$B" addr add 192.168.241.2/24 dev mm0
	ip -n "$A" link set mm0 up
	ip -n "$B" link set mm0 up
	pings "$A" 192.168.241.2
	tcp "$A" "$B" 192.168.241.2 "$(volume 500000)"
	# An endpoint that can't be reached: an error for the sender, no more.
	wgc "$A" set mm0 peer "${PUB[B]}" endpoint '[fd09::2]:1002'
	silent "$A" 192.168.241.2
	wgc "$A" set mm0 peer "${PUB[B]}" endpoint 10.9.0.2:1002
	wait_for 10 pings "$A" 192.168.241.2 1
}

# No IPv4 address anywhere, inside or outside.
test_ipv6_only_host()
{
	ns A B
	veth "$A" va "$B" vb
	addr "$A" va fd09::1/64
	addr "$B" vb fd09::2/64
	tunnel "$A" mm0
	tunnel "$B" mm0
	keys A B
	wgc "$A" set mm0 private-key "${PRIV[A]}" listen-port 1001 peer "${PUB[B]}" \
		endpoint '[fd09::2]:1002' allowed-ips fd00:9::2/128
	wgc "$B" set mm0 private-key "${PRIV[B]}" listen-port 1002 peer "${PUB[A]}" \
		allowed-ips fd00:9::1/128
	addr "$A" mm0 fd00:9::1/64
	addr "$B" mm0 fd00:9::2/64
	ip -n "$A" link set mm0 up
	ip -n "$B" link set mm0 up
	pings "$A" fd00:9::2
	tcp "$B" "$A" fd00:9::1 "$(volume 500000)"
	tcp "$A" "$B" fd00:9::2 "$(volume 500000)"
}

# Link-local addresses carry a scope.
test_link_local_endpoint()
{
	local ll

	ns A B
	veth "$A" va "$B" vb
	addr "$A" va fe80::a/64
	addr "$B" vb fe80::b/64
	tunnel "$A" mm0
	tunnel "$B" mm0
	keys A B
	wgc "$A" set mm0 private-key "${PRIV[A]}" listen-port 1001 peer "${PUB[B]}" \
		endpoint '[fe80::b%va]:1002' allowed-ips fd00:9::2/128
	wgc "$B" set mm0 private-key "${PRIV[B]}" listen-port 1002 peer "${PUB[A]}" \
		allowed-ips fd00:9::1/128
	addr "$A" mm0 fd00:9::1/64
	addr "$B" mm0 fd00:9::2/64
	ip -n "$A" link set mm0 up
	ip -n "$B" link set mm0 up
	pings "$A" fd00:9::2
	expect_eq "$(value "$B" mm0 endpoints)" '[fe80::a%vb]:1001' "endpoint learnt"
	pings "$B" fd00:9::1
}

# An ordinary user rules the links of a namespace of their own, and nothing else.
test_user_namespace()
{
	local out

	need_command unshare
	ns A
	tunnel "$A" mm0
	out=$(setpriv --reuid 65534 --regid 65534 --clear-groups \
		unshare --user --map-root-user --net bash -c "
			ip link add mm0 type $MMESH_KIND && ip link set mm0 up &&
			${MMESH_TOOL_CMD:-$([ "$MMESH_KIND" = mmesh ] && echo mmesh) wg} set mm0 listen-port 5555 &&
			${MMESH_TOOL_CMD:-$([ "$MMESH_KIND" = mmesh ] && echo mmesh) wg} show mm0 listen-port &&
			ip link del mm0" 2>&1) ||
		{ [[ $out == *unshare*fail* ]] && skip_test "no user namespaces: $out"; fail "$out"; }
	expect_eq "$out" 5555 "listening port in a user namespace"
	# Without any capability: neither set nor read secrets.
	keys A
	wgc "$A" set mm0 private-key "${PRIV[A]}"
	chmod 755 "$TMP" "$(dirname "$TMP")"
	if out=$(n "$A" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		bash -c "$([ "$MMESH_KIND" = mmesh ] && echo mmesh) wg set mm0 listen-port 5556" 2>&1); then
		fail "an ordinary user changed the port"
	fi
	out=$(n "$A" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		bash -c "$([ "$MMESH_KIND" = mmesh ] && echo mmesh) wg show mm0 private-key" 2>&1) || true
	[[ $out != *"$(cat "${PRIV[A]}")"* ]] || fail "an ordinary user read the private key"
}

# A device born elsewhere: whoever rules only its new home can't move its socket.
test_socket_needs_capability_at_birth()
{
	local out

	need_command unshare
	ns A
	tunnel "$A" mm0
	wgc "$A" set mm0 listen-port 4444
	touch "$TMP.pid" "$TMP.err" "$TMP.rc"
	chmod 666 "$TMP.pid" "$TMP.err" "$TMP.rc"
	chmod 755 "$(dirname "$TMP")"
	exec {up}> >(exec setpriv --reuid 65534 --regid 65534 --clear-groups \
		unshare --user --map-root-user --net bash -c "
			echo \$\$ >'$TMP.pid'; read -r; $([ "$MMESH_KIND" = mmesh ] && echo mmesh) wg set mm0 listen-port 4445 2>'$TMP.err'
			echo \$? >'$TMP.rc'; read -r" 2>/dev/null)
	wait_for 10 test -s "$TMP.pid"
	ip -n "$A" link set mm0 netns "$(cat "$TMP.pid")"
	echo >&"$up"
	wait_for 10 test -s "$TMP.rc"
	expect_ge "$(cat "$TMP.rc")" 1 "exit status of a change that is not allowed"
	expect_eq "$(nsenter --net="/proc/$(cat "$TMP.pid")/ns/net" -- $([ "$MMESH_KIND" = mmesh ] && echo mmesh) \
		wg show mm0 listen-port)" 4444 "port"
	exec {up}>&-
}

# Names, kinds and numbers that can't be.
test_refusals()
{
	pair
	refused ip -n "$A" link add "$DA" type "$MMESH_KIND"
	[ "$MMESH_KIND" != mmesh ] || refused ip -n "$A" link set "$DA" mtu 100000
	refused wgc "$A" set "$DA" peer "${PUB[B]}" allowed-ips 10.0.0.0/33
	refused wgc "$A" set "$DA" peer "not-a-key" allowed-ips 10.0.0.0/8
	[ "$MMESH_KIND" != mmesh ] || refused wgc "$A" set "$DA" listen-port 65536
	refused wgc "$A" set nosuchdev listen-port 1
	refused wgc "$A" set va listen-port 1
	both_ways
}

run_tests "$@"
