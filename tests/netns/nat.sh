#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Extended peers behind address translators: which pairs reach each other directly.
# The table is in docs/nat.md. Each end knows the address at which a third host
# sees the other, as a relay would tell it.
. "$(dirname -- "$0")/../lib.sh"
PARALLEL=1

# Kinds of translator:
#   none     a public address, no filter
#   eim      one mapping for all destinations; in comes only what was sent to
#   eim-adf  the same; in comes whatever is from an address that was sent to
#   adm      a mapping for each destination address
#   apdm     a mapping for each destination address and port
# Linux's connection tracking filters by address and port in all but eim-adf.

# translator NS KIND OUTSIDE INSIDE PORT OTHER: rules of a translator whose public
# address is OUTSIDE, for the host INSIDE with PORT; OTHER is the other's public one.
translator()
{
	local ns=$1 kind=$2 out=$3 in=$4 port=$5 other=$6

	[ "$kind" != none ] || return 0
	# What nobody waits for is dropped, and leaves no state that takes a port.
	n "$ns" nft -f - <<-EOT
		table ip unasked {
			chain in { type filter hook input priority 0; iifname "out" meta l4proto udp drop; }
		}
	EOT
	case $kind in
	eim)
		n "$ns" nft -f - <<-EOT
			table ip nat {
				chain post { type nat hook postrouting priority 100; oifname "out" ip saddr $in udp sport $port snat to $out:$port; }
			}
		EOT
		;;
	eim-adf)
		n "$ns" nft -f - <<-EOT
			table ip nat {
				set seen { type ipv4_addr; flags dynamic,timeout; timeout 60s; }
				chain note { type filter hook forward priority 0; oifname "out" udp sport $port update @seen { ip daddr }; }
				chain post { type nat hook postrouting priority 100; oifname "out" ip saddr $in udp sport $port snat to $out:$port; }
				chain pre { type nat hook prerouting priority -100; iifname "out" ip saddr @seen udp dport $port dnat to $in:$port; }
			}
		EOT
		;;
	adm)
		n "$ns" nft -f - <<-EOT
			table ip nat {
				chain post { type nat hook postrouting priority 100; oifname "out" ip saddr $in ip daddr $other meta l4proto udp snat to $out:40000-40009; oifname "out" ip saddr $in meta l4proto udp snat to $out:$port; }
			}
		EOT
		;;
	apdm)
		n "$ns" nft -f - <<-EOT
			table ip nat {
				chain post { type nat hook postrouting priority 100; oifname "out" ip saddr $in meta l4proto udp snat to $out:41000-49999 fully-random; }
			}
		EOT
		;;
	esac
}

# site VAR KIND INDEX: a host VAR behind its translator, joined to the net W.
site()
{
	local -n host=$1
	local gate_var=GATE$3

	ns "$1" "$gate_var"
	local gate=${!gate_var}
	veth "$W" "w$3" "$gate" out
	veth "$gate" in "$host" eth
	addr "$W" "w$3" "203.0.$3.254/24"
	addr "$gate" out "203.0.$3.1/24"
	ip -n "$gate" route add default via "203.0.$3.254"
	n "$gate" sysctl -qw net.ipv4.ip_forward=1
	if [ "$2" = none ]; then
		# Its public address is the host's own.
		addr "$gate" in "203.0.1$3.254/24"
		addr "$host" eth "203.0.1$3.1/24"
		ip -n "$W" route add "203.0.1$3.0/24" via "203.0.$3.1"
		ip -n "$host" route add default via "203.0.1$3.254"
	else
		addr "$gate" in "10.0.$3.254/24"
		addr "$host" eth "10.0.$3.1/24"
		ip -n "$host" route add default via "10.0.$3.254"
	fi
}

public_of() { if [ "$1" = none ]; then echo "203.0.1$2.1"; else echo "203.0.$2.1"; fi; }

# A and B behind translators of these kinds, and what theory says.
both()
{
	local kind_a=$1 kind_b=$2 expected=$3 pub_a pub_b

	need_command nft
	need_module nft_nat nft_chain_nat nf_nat nft_ct
	ns W
	n "$W" sysctl -qw net.ipv4.ip_forward=1
	site A "$kind_a" 1
	site B "$kind_b" 2
	pub_a=$(public_of "$kind_a" 1)
	pub_b=$(public_of "$kind_b" 2)
	translator "$GATE1" "$kind_a" "$pub_a" 10.0.1.1 1001 "$pub_b"
	translator "$GATE2" "$kind_b" "$pub_b" 10.0.2.1 1002 "$pub_a"
	tunnel "$A" mm0
	tunnel "$B" mm0
	keys A B
	n "$A" mmesh dev set mm0 private-key "${PRIV[A]}" listen-port 1001
	n "$B" mmesh dev set mm0 private-key "${PRIV[B]}" listen-port 1002
	n "$A" mmesh peer add "${PUB[B]}" dev mm0 extended on allowed-ips 192.168.241.2/32 endpoint "$pub_b:1002"
	n "$B" mmesh peer add "${PUB[A]}" dev mm0 extended on allowed-ips 192.168.241.1/32 endpoint "$pub_a:1001"
	ip -n "$A" addr add 192.168.241.1/24 dev mm0
	ip -n "$B" addr add 192.168.241.2/24 dev mm0
	ip -n "$A" link set mm0 up
	ip -n "$B" link set mm0 up
	n_bg "$A" ping -q -i 0.2 -c 100000 192.168.241.2 >/dev/null 2>&1
	n_bg "$B" ping -q -i 0.2 -c 100000 192.168.241.1 >/dev/null 2>&1
	if [ "$expected" = direct ]; then
		wait_for 25 pings "$A" 192.168.241.2 1
		wait_for 5 pings "$B" 192.168.241.1 1
		wait_for 10 works "$A"
		wait_for 10 works "$B"
	else
		snooze 20
		silent "$A" 192.168.241.2
		silent "$B" 192.168.241.1
	fi
}
works() { n "$1" mmesh -j path show dev mm0 | jq -e '.paths[] | select(.current and .state == "alive")' >/dev/null; }

test_none_none() { both none none direct; }
test_none_eim() { both none eim direct; }
test_none_adm() { both none adm direct; }
test_none_apdm() { both none apdm direct; }
test_eim_eim() { both eim eim direct; }
test_eim_adm() { both eim adm relay; }
test_eim_apdm() { both eim apdm relay; }
test_eimadf_eim() { both eim-adf eim direct; }
test_eimadf_adm() { both eim-adf adm direct; }
test_eimadf_apdm() { both eim-adf apdm direct; }
test_adm_adm() { both adm adm relay; }
test_adm_apdm() { both adm apdm relay; }
test_apdm_apdm() { both apdm apdm relay; }

# A second translator before A's own, the carrier's.
test_carrier_grade()
{
	need_command nft
	need_module nft_nat nft_chain_nat nf_nat nft_ct
	ns W CGN
	n "$W" sysctl -qw net.ipv4.ip_forward=1
	site A eim 1
	site B eim 2
	# The carrier's stands between the net and A's.
	n "$CGN" sysctl -qw net.ipv4.ip_forward=1
	ip -n "$W" link del w1
	veth "$W" w1 "$CGN" out
	veth "$CGN" in "$GATE1" out
	addr "$W" w1 203.0.1.254/24
	addr "$CGN" out 203.0.1.1/24
	addr "$CGN" in 100.64.0.254/24
	addr "$GATE1" out 100.64.0.1/24
	ip -n "$CGN" route add default via 203.0.1.254
	ip -n "$GATE1" route replace default via 100.64.0.254
	translator "$GATE1" eim 100.64.0.1 10.0.1.1 1001 203.0.2.1
	translator "$CGN" eim 203.0.1.1 100.64.0.1 1001 203.0.2.1
	translator "$GATE2" eim 203.0.2.1 10.0.2.1 1002 203.0.1.1
	tunnel "$A" mm0
	tunnel "$B" mm0
	keys A B
	n "$A" mmesh dev set mm0 private-key "${PRIV[A]}" listen-port 1001
	n "$B" mmesh dev set mm0 private-key "${PRIV[B]}" listen-port 1002
	n "$A" mmesh peer add "${PUB[B]}" dev mm0 extended on allowed-ips 192.168.241.2/32 endpoint 203.0.2.1:1002
	n "$B" mmesh peer add "${PUB[A]}" dev mm0 extended on allowed-ips 192.168.241.1/32 endpoint 203.0.1.1:1001
	ip -n "$A" addr add 192.168.241.1/24 dev mm0
	ip -n "$B" addr add 192.168.241.2/24 dev mm0
	ip -n "$A" link set mm0 up
	ip -n "$B" link set mm0 up
	n_bg "$A" ping -q -i 0.2 -c 100000 192.168.241.2 >/dev/null 2>&1
	n_bg "$B" ping -q -i 0.2 -c 100000 192.168.241.1 >/dev/null 2>&1
	wait_for 25 pings "$A" 192.168.241.2 1
	wait_for 10 works "$A"
	wait_for 10 works "$B"
}

run_tests "$@"
