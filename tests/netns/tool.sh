#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The tool against the module: every command, every refusal, wg(8)'s command
# line, wg-quick. What needs no module is in tests/userspace.
. "$(dirname -- "$0")/../lib.sh"

# keyfile NAME: a private key in the file $TMP/NAME; its public key in PUB[NAME].
keyfile() {
	(umask 077; mmesh key gen >"$TMP/$1")
	PUB[$1]=$(mmesh key pub <"$TMP/$1")
}

# one NS: a namespace with a device mm0 that has a key.
one() {
	ns "$1"
	keyfile own
	mmesh -n "${!1}" dev add mm0 private-key "$TMP/own" listen-port 1001
}

# says STATUS PATTERN COMMAND ...: ends so and prints an error like that. What the
# tool refuses by itself (1) is the same on every kernel: not on the slow ones.
says() {
	local status=0 text

	[ "$1$MMESH_SLOW" != 11 ] || return 0
	# Without the trace, which repeats the words of the command.
	text=$({ set +x; } 2>/dev/null; "${@:3}" 2>&1 >/dev/null) || status=$?
	expect_eq "$status" "$1" "exit status of ${*:3} ($text)"
	[[ $text =~ $2 ]] || fail "\"$text\" is not like \"$2\": ${*:3}"
}

# json NS FILTER WORD ...: jq over what the tool prints.
json() { mmesh -n "$1" -j "${@:3}" | jq -er "$2"; }

# unchanged NS COMMAND ...: run it; configuration and generation stay what they were.
unchanged() {
	local ns=$1 before

	[ "$2$3$MMESH_SLOW" != says11 ] || return 0
	before=$(mmesh -n "$ns" -d -j --show-keys dev show)
	"${@:2}"
	expect_eq "$(mmesh -n "$ns" -d -j --show-keys dev show)" "$before" "configuration after ${*:2}"
}

# --- devices ---------------------------------------------------------------

test_dev_add_del()
{
	ns A
	mmesh -n "$A" dev add mm0
	expect_eq "$(ip -n "$A" -j -d link show mm0 | jq -r '.[0].linkinfo.info_kind')" mmesh kind
	n "$A" ip link add mm1 type mmesh
	expect_eq "$(json "$A" '[.devices[].name] | join(" ")' dev show)" "mm0 mm1" devices
	expect_eq "$(mmesh -n "$A" wg show interfaces)" "mm0 mm1" interfaces
	mmesh -n "$A" dev del mm1
	expect_eq "$(json "$A" '[.devices[].name] | join(" ")' dev show)" "mm0" devices
	says 2 'already a network device named "mm0"' mmesh -n "$A" dev add mm0
	says 2 'mm7: .*no such device' mmesh -n "$A" dev del mm7
	# Links of other kinds are left alone.
	n "$A" ip link add d0 type dummy
	says 2 'd0: .*not an mmesh device' mmesh -n "$A" dev del d0
	ip -n "$A" link show d0 >/dev/null
	says 2 'd0: .*not an mmesh device' mmesh -n "$A" dev show d0
	says 1 'd0: .*not an mmesh device' mmesh -n "$A" wg show d0
}

# A device that can't get what it should have isn't made.
test_dev_add_is_whole()
{
	one A
	ip -n "$A" link set mm0 up
	mmesh -n "$A" dev add mm1 listen-port 1002
	mmesh -n "$A" dev del mm1
	says 1 'cannot open key file' mmesh -n "$A" dev add mm1 private-key "$TMP/none"
	refused ip -n "$A" link show mm1 2>/dev/null
}

test_dev_set()
{
	one A
	expect_eq "$(json "$A" '.devices[0] | "\(.listen_port) \(.fwmark) \(.private_key) \(.public_key)"' dev show)" \
		"1001 0 (hidden) ${PUB[own]}" "device"
	mmesh -n "$A" dev set mm0 fwmark 0x10 listen-port 1234
	expect_eq "$(json "$A" '.devices[0] | "\(.listen_port) \(.fwmark)"' dev show mm0)" "1234 16" "set"
	mmesh -n "$A" dev set mm0 fwmark off
	expect_eq "$(json "$A" '.devices[0].fwmark' dev show mm0)" "0" "fwmark off"
	expect_eq "$(json "$A" '.devices[0].private_key' --show-keys dev show mm0)" "$(cat "$TMP/own")" \
		"private key"
	mmesh -n "$A" dev set mm0 private-key - <"$TMP/own"
	mmesh -n "$A" dev set mm0 private-key /dev/null
	expect_eq "$(mmesh -n "$A" -j dev show mm0 | jq -r '.devices[0].public_key')" null "removed key"
	expect_eq "$(json "$A" '.schema' dev show mm0)" "mmesh/1" schema
	mmesh -n "$A" -d dev show mm0 | grep -q 'suite aes256gcm: '
	mmesh -n "$A" -br dev show | grep -q '^mm0 '
	mmesh -n "$A" -o dev show | grep -q '^mm0 .*listen-port 1234'
	mmesh -n "$A" -s dev show >/dev/null
}

test_port_in_use()
{
	one A
	ip -n "$A" link set mm0 up
	mmesh -n "$A" dev add mm1 listen-port 1002
	ip -n "$A" link set mm1 up
	unchanged "$A" says 2 'mm1: listen-port: .*1001 is in use' mmesh -n "$A" dev set mm1 listen-port 1001
	unchanged "$A" says 1 'listen-port: .*1001 is in use' mmesh -n "$A" wg set mm1 listen-port 1001
	# A file that would take it away changes nothing, neither its peers.
	keyfile peer
	mmesh -n "$A" peer add "${PUB[peer]}" dev mm1
	printf '[Interface]\nListenPort = 1001\n' >"$TMP/port.conf"
	unchanged "$A" says 2 'mm1: listen-port: .*in use' mmesh -n "$A" dev setconf mm1 "$TMP/port.conf"
}

# --- peers -----------------------------------------------------------------

test_peer_life()
{
	one A
	keyfile peer
	(umask 077; mmesh key psk >"$TMP/psk")
	mmesh -n "$A" peer add "${PUB[peer]}" dev mm0 endpoint '[2001:db8::1]:7' \
		allowed-ips 10.0.0.1/8,fd00::/8 psk "$TMP/psk" persistent-keepalive 25 suite aes256gcm
	expect_eq "$(json "$A" '.peers[0] | "\(.endpoint.address) \(.endpoint.port) \(.allowed_ips | join(",")) \(.preshared_key) \(.persistent_keepalive) \(.suite) \(.latest_handshake)"' \
		peer show dev mm0)" "2001:db8::1 7 10.0.0.0/8,fd00::/8 (hidden) 25 aes256gcm null" peer
	expect_eq "$(mmesh -n "$A" -j --show-keys peer show | jq -r '.peers[0].preshared_key')" \
		"$(cat "$TMP/psk")" psk
	unchanged "$A" says 2 'has this peer already' mmesh -n "$A" peer add "${PUB[peer]}" dev mm0
	mmesh -n "$A" peer set "${PUB[peer]}" dev mm0 allowed-ips +10.1.0.0/16,-fd00::/8
	expect_eq "$(json "$A" '.peers[0].allowed_ips | sort | join(",")' peer show)" \
		"10.0.0.0/8,10.1.0.0/16" "changed allowed IPs"
	mmesh -n "$A" peer set "${PUB[peer]}" dev mm0 allowed-ips 10.2.0.0/16
	expect_eq "$(json "$A" '.peers[0].allowed_ips | join(",")' peer show)" 10.2.0.0/16 "allowed IPs"
	mmesh -n "$A" peer set "${PUB[peer]}" dev mm0 allowed-ips ''
	expect_eq "$(json "$A" '.peers[0] | "\(.allowed_ips | length) \(.suite) \(.persistent_keepalive)"' peer show)" \
		"0 aes256gcm 25" "the rest"
	mmesh -n "$A" peer replace "${PUB[peer]}" dev mm0 allowed-ips 10.3.0.0/16
	expect_eq "$(json "$A" '.peers[0] | "\(.preshared_key) \(.persistent_keepalive) \(.suite) \(.allowed_ips | join(",")) \(.endpoint.port)"' peer show)" \
		"null 0 wireguard 10.3.0.0/16 7" "replaced peer"
	mmesh -n "$A" peer show "${PUB[peer]}" | grep -qx '  allowed ips: 10.3.0.0/16'
	mmesh -n "$A" -o peer show dev mm0 "${PUB[peer]}" | grep -q "^${PUB[peer]} dev mm0 "
	mmesh -n "$A" -br peer show | grep -q "^mm0  *${PUB[peer]} "
	mmesh -n "$A" peer del "${PUB[peer]}" dev mm0
	expect_eq "$(json "$A" '.peers | length' peer show)" 0 peers
	says 2 'no such peer' mmesh -n "$A" peer del "${PUB[peer]}" dev mm0
	says 2 'no such peer' mmesh -n "$A" peer set "${PUB[peer]}" dev mm0 persistent-keepalive 5
	says 2 'no device has a peer with this key' mmesh -n "$A" peer show "${PUB[peer]}"
	mmesh -n "$A" peer replace "${PUB[peer]}" dev mm0
	expect_eq "$(json "$A" '.peers | length' peer show)" 1 "made by replace"
}

test_peer_refusals()
{
	one A
	keyfile one
	keyfile two
	mmesh -n "$A" peer add "${PUB[one]}" dev mm0 allowed-ips 10.0.0.0/24,fd00::/64
	unchanged "$A" says 1 'is not a public key: a key is 44' mmesh -n "$A" peer add abc dev mm0
	unchanged "$A" says 1 'is not a public key: not base64' mmesh -n "$A" peer add "${PUB[two]/?/_}" dev mm0
	head -c 20 "$TMP/two" >"$TMP/short"
	chmod 600 "$TMP/short"
	unchanged "$A" says 1 'private-key: key file ".*short": a key is 44' mmesh -n "$A" dev set mm0 private-key "$TMP/short"
	tr 'A-Za-z' '_' <"$TMP/two" >"$TMP/corrupt"
	chmod 600 "$TMP/corrupt"
	unchanged "$A" says 1 'psk: key file ".*corrupt": not base64' \
		mmesh -n "$A" peer set "${PUB[one]}" dev mm0 psk "$TMP/corrupt"
	unchanged "$A" says 2 "the device's own" mmesh -n "$A" peer add "${PUB[own]}" dev mm0
	unchanged "$A" says 2 'mm9: .*no such device' mmesh -n "$A" peer add "${PUB[two]}" dev mm9
	# An endpoint that no socket can send to.
	unchanged "$A" says 1 'endpoint: .*unicast' mmesh -n "$A" peer add "${PUB[two]}" dev mm0 endpoint 224.0.0.1:5
	unchanged "$A" says 1 'endpoint: .*unicast' mmesh -n "$A" peer add "${PUB[two]}" dev mm0 endpoint '[ff02::1]:5'
	unchanged "$A" says 1 'endpoint: .*link-local address and needs its interface' mmesh -n "$A" peer add "${PUB[two]}" dev mm0 endpoint '[fe80::1]:5'
	# A prefix of another peer.
	unchanged "$A" says 2 "allowed-ips: 10.0.0.0/24 belongs to peer ${PUB[one]//+/\\+};" \
		mmesh -n "$A" peer add "${PUB[two]}" dev mm0 allowed-ips 10.1.0.0/24,10.0.0.7/24
	# A longer one is none: the longest match wins.
	mmesh -n "$A" peer add "${PUB[two]}" dev mm0 allowed-ips 10.0.0.128/25
	unchanged "$A" says 2 'fd00::/64 belongs to peer' \
		mmesh -n "$A" peer set "${PUB[two]}" dev mm0 allowed-ips +fd00::/64
	mmesh -n "$A" -force peer set "${PUB[two]}" dev mm0 allowed-ips +fd00::/64
	expect_eq "$(mmesh -n "$A" -j peer show "${PUB[one]}" | jq -r '.peers[0].allowed_ips | join(",")')" \
		"10.0.0.0/24" "what is left"
}

test_peer_many_allowed_ips()
{
	local list count=3000

	one A
	keyfile peer
	list=$(for ((i = 0; i < count; i++)); do echo "10.$((i >> 8)).$((i & 255)).0/24"; done | paste -sd,)
	mmesh -n "$A" peer add "${PUB[peer]}" dev mm0 allowed-ips "$list"
	expect_eq "$(json "$A" '.peers[0].allowed_ips | length' peer show)" "$count" "allowed IPs"
	mmesh -n "$A" dev showconf mm0 >"$TMP/many.conf"
	mmesh -n "$A" dev setconf mm0 "$TMP/many.conf"
	expect_eq "$(json "$A" '.peers[0].allowed_ips | length' peer show)" "$count" "allowed IPs of the file"
	unchanged "$A" says 2 'has this peer already' mmesh -n "$A" peer add "${PUB[peer]}" dev mm0 allowed-ips "$list"
}

# --- rights ----------------------------------------------------------------

test_without_rights()
{
	local drop=(setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all)

	one A
	keyfile peer
	(umask 077; mmesh key psk >"$TMP/psk")
	mmesh -n "$A" peer add "${PUB[peer]}" dev mm0 psk "$TMP/psk" endpoint 192.0.2.1:5 allowed-ips 10.0.0.0/8
	expect_eq "$(n "$A" "${drop[@]}" mmesh -j dev show | jq -r '.devices[0].private_key')" "(hidden)" key
	expect_eq "$(n "$A" "${drop[@]}" mmesh -j peer show | jq -r '.peers[0].allowed_ips[0]')" 10.0.0.0/8 peer
	says 2 CAP_NET_ADMIN n "$A" "${drop[@]}" mmesh --show-keys dev show
	says 2 CAP_NET_ADMIN n "$A" "${drop[@]}" mmesh dev showconf mm0
	says 1 CAP_NET_ADMIN n "$A" "${drop[@]}" mmesh wg show mm0 private-key
	unchanged "$A" says 2 'not permitted' n "$A" "${drop[@]}" mmesh dev set mm0 fwmark 1
	unchanged "$A" says 2 'not permitted' n "$A" "${drop[@]}" mmesh peer del "${PUB[peer]}" dev mm0
	unchanged "$A" says 2 'not permitted' n "$A" "${drop[@]}" mmesh dev add mm5
}

# --- namespaces, batches ---------------------------------------------------

test_netns_option()
{
	local pid

	one A
	n_bg "$A" cat "$TMP/never.$BASHPID" /dev/zero >/dev/null 2>&1
	pid=$BG_PID
	expect_eq "$(mmesh -n "$A" wg show interfaces)" mm0 "by name"
	wait_for 60 [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	expect_eq "$(mmesh -n "$pid" wg show interfaces)" mm0 "by process"
	stop "$pid"
	says 2 'no network namespace and no process "mt-none"' mmesh -n mt-none dev show
}

test_batch()
{
	one A
	keyfile peer
	cat >"$TMP/batch" <<-END
		# two devices and a peer
		dev add mm1
		peer add ${PUB[peer]} dev mm1 allowed-ips "10.0.0.0/8, fd00::/8"
		dev add mm1
		dev add mm2
	END
	says 2 'batch:4: Error: .*mm1' mmesh -n "$A" -b "$TMP/batch"
	expect_eq "$(mmesh -n "$A" wg show interfaces)" "mm0 mm1" "until the error"
	expect_eq "$(mmesh -n "$A" wg show mm1 allowed-ips)" "${PUB[peer]}	10.0.0.0/8 fd00::/8" "peer"
	says 2 'batch:2: Error' mmesh -n "$A" -force -b "$TMP/batch"
	expect_eq "$(mmesh -n "$A" wg show interfaces)" "mm0 mm1 mm2" "with -force"
	printf 'dev del mm1\ndev del mm2\n' | mmesh -n "$A" -b -
	expect_eq "$(mmesh -n "$A" wg show interfaces)" "mm0" "from standard input"
}

# --- monitor, counters -----------------------------------------------------

test_monitor()
{
	one A
	keyfile peer
	n_bg "$A" mmesh -t -j monitor >"$TMP/events"
	# Until it listens, events are lost: repeat one.
	seen_first() { mmesh -n "$A" dev set mm0 fwmark $((RANDOM + 1)); grep -q dev_change "$TMP/events"; }
	wait_for 60 seen_first
	mmesh -n "$A" peer add "${PUB[peer]}" dev mm0 endpoint 192.0.2.1:5
	mmesh -n "$A" peer set "${PUB[peer]}" dev mm0 persistent-keepalive 9
	mmesh -n "$A" peer del "${PUB[peer]}" dev mm0
	wait_for 60 grep -q peer_del "$TMP/events"
	expect_eq "$(jq -r 'select(.event | startswith("peer")) | "\(.event) \(.device) \(.public_key) \(.schema)"' "$TMP/events")" \
		"$(printf '%s\n' "peer_add mm0 ${PUB[peer]} mmesh/1" "peer_change mm0 ${PUB[peer]} mmesh/1" \
			"peer_del mm0 ${PUB[peer]} mmesh/1")" events
	expect_eq "$(jq -r 'select(.event == "peer_add") | .endpoint.address' "$TMP/events")" 192.0.2.1 endpoint
	stop "$BG_PID"
	refused n "$A" setpriv --reuid 65534 --clear-groups mmesh monitor 2>/dev/null
}

test_monitor_handshake()
{
	pair
	n_bg "$A" mmesh monitor peer >"$TMP/events"
	# Nothing that starts a handshake before somebody listens.
	listening() { mmesh -n "$A" peer set "${PUB[B]}" dev "$DA" allowed-ips +10.250.$((RANDOM % 256)).0/24; grep -q changed "$TMP/events"; }
	wait_for 60 listening
	pings "$A" 192.168.241.2
	wait_for 60 grep -q "^$DA peer ${PUB[B]} handshake endpoint $EP_B" "$TMP/events"
	stop "$BG_PID"
}

test_stat_show()
{
	pair
	both_ways
	expect_ge "$(json "$A" '.stats[0].counters.hs_completed' stat show dev "$DA")" 1 "handshakes"
	expect_ge "$(json "$A" '.stats[0].counters.tx_packets' stat show)" 4 "packets"
	mmesh -n "$A" stat show | grep -q '^  tx drop no peer: 0$'
	mmesh -n "$A" -br stat show | grep -q '^  hs completed: [1-9]'
	refused grep -q ': 0$' <(mmesh -n "$A" -br stat show)
	mmesh -n "$A" -d stat show dev "$DA" | grep -q 'no peer has the destination among its allowed IPs'
	says 2 'mm9: .*no such device' mmesh -n "$A" stat show dev mm9
}

# --- configuration files ---------------------------------------------------

test_setconf_roundtrip()
{
	one A
	keyfile one
	keyfile two
	cat >"$TMP/a.conf" <<-END
		[Interface]
		ListenPort = 1003
		FwMark = 0x1f
		PrivateKey = $(cat "$TMP/own")

		[Peer]
		PublicKey = ${PUB[one]}
		PresharedKey = $(mmesh key psk)
		AllowedIPs = 10.0.0.0/8, fd00::/64
		Endpoint = [2001:db8::1]:9
		PersistentKeepalive = 25
		Suite = aes256gcm

		[Peer]
		PublicKey = ${PUB[two]}
	END
	mmesh -n "$A" dev setconf mm0 "$TMP/a.conf"
	mmesh -n "$A" dev showconf mm0 >"$TMP/b.conf"
	diff -u "$TMP/a.conf" "$TMP/b.conf"
	mmesh -n "$A" dev setconf mm0 - <"$TMP/b.conf"
	mmesh -n "$A" wg showconf mm0 | diff -u "$TMP/a.conf" -
	# addconf adds; setconf replaces.
	keyfile three
	printf '[Peer]\nPublicKey = %s\n' "${PUB[three]}" >"$TMP/c.conf"
	mmesh -n "$A" dev addconf mm0 "$TMP/c.conf"
	expect_eq "$(json "$A" '.peers | length' peer show)" 3 "after addconf"
	expect_eq "$(mmesh -n "$A" wg show mm0 fwmark)" 0x1f "fwmark after addconf"
	mmesh -n "$A" dev setconf mm0 "$TMP/c.conf"
	expect_eq "$(json "$A" '.peers | length' peer show)" 1 "after setconf"
	expect_eq "$(mmesh -n "$A" wg show mm0 private-key)" "(none)" "private key after setconf"
	expect_eq "$(mmesh -n "$A" wg show mm0 fwmark)" off "fwmark after setconf"
}

test_bad_file_changes_nothing()
{
	local command

	one A
	keyfile peer
	mmesh -n "$A" peer add "${PUB[peer]}" dev mm0 allowed-ips 10.0.0.0/8
	printf '[Interface]\nListenPort = 7\n[Peer]\nPublicKey = %s\nAllowedIPs = 10.0.0.0/99\n' \
		"${PUB[peer]}" >"$TMP/bad.conf"
	for command in setconf addconf syncconf; do
		unchanged "$A" says 1 'bad.conf:5: AllowedIPs: ' mmesh -n "$A" dev $command mm0 "$TMP/bad.conf"
		unchanged "$A" says 1 'bad.conf:5: AllowedIPs: ' mmesh -n "$A" wg $command mm0 "$TMP/bad.conf"
		says 2 'mm9: .*no such device' mmesh -n "$A" dev $command mm9 /dev/null
	done
}

# The device's own key among the peers: left out, so that one file serves all.
test_own_key_in_file()
{
	local command

	one A
	keyfile peer
	printf '[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\n[Peer]\nPublicKey = %s\n' \
		"$(cat "$TMP/own")" "${PUB[own]}" "${PUB[peer]}" >"$TMP/all.conf"
	for command in setconf addconf syncconf; do
		mmesh -n "$A" dev $command mm0 "$TMP/all.conf"
		expect_eq "$(mmesh -n "$A" wg show mm0 peers)" "${PUB[peer]}" "peers after $command"
	done
	mmesh -n "$A" wg set mm0 peer "${PUB[own]}" allowed-ips 10.0.0.0/8
	expect_eq "$(mmesh -n "$A" wg show mm0 peers)" "${PUB[peer]}" "peers after wg set"
}

test_syncconf_keeps_sessions()
{
	local before generation

	pair
	both_ways
	before=$(handshake_time "$A" "$DA")
	mmesh -n "$A" dev showconf "$DA" >"$TMP/same.conf"
	generation=$(json "$A" '.devices[0].generation' -d dev show)
	mmesh -n "$A" dev syncconf "$DA" "$TMP/same.conf"
	expect_eq "$(json "$A" '.devices[0].generation' -d dev show)" "$generation" generation
	# Another peer comes, an allowed IP too, a field changes: the session stays.
	keyfile other
	sed "s|^AllowedIPs = |&10.77.0.0/16, |" "$TMP/same.conf" >"$TMP/more.conf"
	printf 'PersistentKeepalive = 21\n\n[Peer]\nPublicKey = %s\n' "${PUB[other]}" >>"$TMP/more.conf"
	mmesh -n "$A" wg syncconf "$DA" "$TMP/more.conf"
	expect_eq "$(json "$A" '.peers | length' peer show)" 2 peers
	both_ways
	mmesh -n "$A" dev syncconf "$DA" "$TMP/same.conf"
	expect_eq "$(json "$A" '.peers | length' peer show)" 1 peers
	both_ways
	expect_eq "$(handshake_time "$A" "$DA")" "$before" "time of the handshake"
	expect_eq "$(json "$A" '.stats[0].counters.hs_completed' stat show)" 1 "handshakes"
	# setconf does end it.
	mmesh -n "$A" dev setconf "$DA" "$TMP/same.conf"
	expect_eq "$(handshake_time "$A" "$DA")" 0 "handshake after setconf"
	both_ways
}

# 65,000 peers load in seconds, and are seen to be the same in seconds.
test_many_peers()
{
	local count start

	count=$(volume 65000)
	one A
	# Digits are base64 too.
	awk -v count="$count" 'BEGIN {
		for (i = 0; i < count; i++)
			printf "[Peer]\nPublicKey = %043d=\nAllowedIPs = 10.%d.%d.%d/32\nEndpoint = 192.0.2.1:%d\n",
				i * 1000, i / 65536, i / 256 % 256, i % 256, i % 65535 + 1
	}' >"$TMP/many.conf"
	start=$SECONDS
	mmesh -n "$A" dev setconf mm0 "$TMP/many.conf"
	expect_le $((SECONDS - start)) 20 "seconds to load $count peers"
	expect_eq "$(json "$A" '.devices[0].peer_count' dev show)" "$count" peers
	start=$SECONDS
	mmesh -n "$A" dev syncconf mm0 "$TMP/many.conf"
	expect_le $((SECONDS - start)) 20 "seconds to compare $count peers"
	expect_eq "$(mmesh -n "$A" wg show mm0 peers | wc -l)" "$count" "peers in a dump"
	start=$SECONDS
	mmesh -n "$A" dev del mm0
	expect_le $((SECONDS - start)) 20 "seconds to delete $count peers"
}

# A dump that the table changes under is read again; what it shows is whole.
test_show_while_changing()
{
	local i count

	one A
	awk 'BEGIN {
		for (i = 0; i < 300; i++)
			printf "peer add %043d= dev mm0 allowed-ips 10.0.%d.%d\n", i * 1000, i / 256, i % 256
	}' | mmesh -n "$A" -force -b -
	keyfile peer
	n_bg "$A" bash -c 'while :; do mmesh -force peer add "$0" dev mm0; mmesh peer del "$0" dev mm0; done' "${PUB[peer]}"
	for ((i = 0; i < $(volume 12); i++)); do
		count=$(mmesh -n "$A" wg show mm0 peers 2>"$TMP/err" | sort -u | wc -l)
		# Only "changed in each attempt" is a reason not to print it.
		grep -q 'changed in each' "$TMP/err" && continue
		[ "$count" = 300 ] || [ "$count" = 301 ] || fail "$count peers: $(cat "$TMP/err")"
	done
	stop "$BG_PID"
}

# Devices that go away between two requests are no error when all are asked for.
test_show_while_devices_come_and_go()
{
	local i

	one A
	printf 'dev add mm1\ndev del mm1\n%.0s' {1..20} >"$TMP/churn"
	n_bg "$A" bash -c 'while :; do mmesh -force -b "$0"; done' "$TMP/churn"
	for ((i = 0; i < 15; i++)); do
		mmesh -n "$A" wg show all dump >"$TMP/dump"
		grep -q "^mm0	.*	${PUB[own]}	1001	" "$TMP/dump"
	done
	stop "$BG_PID"
}

# --- wg(8) -----------------------------------------------------------------

# The same configuration on a link of each kind, read by the tool of each kind.
test_like_wg()
{
	local word words=dump

	need_kind wireguard
	need_command wg
	one A
	keyfile one
	keyfile two
	keyfile three
	(umask 077; mmesh key psk >"$TMP/psk")
	n "$A" ip link add wg0 type wireguard
	mmesh -n "$A" dev del mm0
	mmesh -n "$A" dev add mm0
	n "$A" ln -sf "$(command -v mmesh)" "$TMP/wg"
	for word in "wg wg0" "$TMP/wg mm0" "wg wg0" "mmesh wg mm0"; do
		set -- $word
		if [ $# = 3 ]; then set -- "$1 $2" "$3"; fi
		n "$A" $1 set "$2" listen-port 4500 fwmark 0x20 private-key "$TMP/own" \
			peer "${PUB[one]}" preshared-key "$TMP/psk" endpoint 192.0.2.1:5 \
			persistent-keepalive 25 allowed-ips 10.0.0.0/8,fd00::1/64 \
			peer "${PUB[two]}" allowed-ips 10.0.0.0/9 endpoint '[2001:db8::5]:51820' \
			peer "${PUB[three]}" allowed-ips '' \
			peer "$(mmesh key psk)" remove
	done
	# Each by itself is compared in tests/userspace too, so once is enough here.
	[ "$MMESH_SLOW" = 1 ] || words="public-key private-key listen-port fwmark peers preshared-keys
		endpoints allowed-ips latest-handshakes persistent-keepalive transfer dump"
	for word in $words; do
		diff -u <(n "$A" wg show wg0 $word) <(mmesh -n "$A" wg show mm0 $word) ||
			fail "show $word"
		# wg(8) forgets the name before all but the first of the endpoints.
		diff -u <(n "$A" wg show all $word | sed 's/^wg0\t//; s/^/mm0\t/') \
			<(n "$A" "$TMP/wg" show all $word) || fail "show all $word"
	done
	diff -u <(n "$A" wg show wg0 | sed 's/: wg0$/: mm0/') <(mmesh -n "$A" wg show mm0)
	diff -u <(n "$A" wg show | sed 's/: wg0$/: mm0/') <(mmesh -n "$A" wg)
	diff -u <(n "$A" wg showconf wg0) <(mmesh -n "$A" wg showconf mm0)
	diff -u <(n "$A" wg show interfaces | sed 's/wg0/mm0/') <(mmesh -n "$A" wg show interfaces)
	# What one writes, the other reads.
	n "$A" wg showconf wg0 >"$TMP/wg.conf"
	mmesh -n "$A" wg setconf mm0 "$TMP/wg.conf"
	diff -u "$TMP/wg.conf" <(mmesh -n "$A" wg showconf mm0)
	mmesh -n "$A" wg showconf mm0 >"$TMP/mm.conf"
	n "$A" wg setconf wg0 "$TMP/mm.conf"
	# Changes of a peer, with a real wg's meaning.
	for word in "wg wg0" "$TMP/wg mm0"; do
		set -- $word
		n "$A" "$1" set "$2" peer "${PUB[one]}" persistent-keepalive off preshared-key /dev/null \
			peer "${PUB[two]}" remove listen-port 2>/dev/null &&
			fail "a device's word after a peer: $word"
		n "$A" "$1" set "$2" fwmark off peer "${PUB[one]}" persistent-keepalive off \
			preshared-key /dev/null peer "${PUB[two]}" remove
	done
	diff -u <(n "$A" wg show wg0 dump) <(mmesh -n "$A" wg show mm0 dump)
}

test_wg_incremental_allowed_ips()
{
	one A
	keyfile peer
	mmesh -n "$A" wg set mm0 peer "${PUB[peer]}" allowed-ips 10.0.0.0/8,10.1.0.0/16
	mmesh -n "$A" wg set mm0 peer "${PUB[peer]}" allowed-ips +fd00::/8,-10.0.0.0/8
	expect_eq "$(mmesh -n "$A" wg show mm0 allowed-ips | cut -f 2 | tr ' ' '\n' | sort | paste -sd,)" \
		"10.1.0.0/16,fd00::/8" "allowed IPs"
	# A file's prefix moves, as wg(8)'s do.
	keyfile other
	mmesh -n "$A" wg set mm0 peer "${PUB[other]}" allowed-ips fd00::/8
	expect_eq "$(mmesh -n "$A" -j peer show "${PUB[peer]}" | jq -r '.peers[0].allowed_ips | join(",")')" \
		"10.1.0.0/16" "what is left"
}

# --- wg-quick --------------------------------------------------------------

# An own /etc/wireguard for the commands of this test.
quick() { n "$A" unshare -m sh -c 'mount --bind "$0" /etc/wireguard && exec "$@"' "$TMP/etc" "$@"; }

test_wg_quick()
{
	need_command wg-quick
	command -v mmesh-quick >/dev/null || fail "mmesh-quick is not in PATH"
	[ -d /etc/wireguard ] || skip_test "no /etc/wireguard to lay something over"
	pair
	mmesh -n "$A" dev showconf "$DA" >"$TMP/pair.conf"
	mmesh -n "$A" dev del "$DA"
	mkdir -m 700 "$TMP/etc"
	{
		sed '/^$/,$d' "$TMP/pair.conf"
		printf 'Address = 192.168.241.1/24, fd00:9::1/64\nMTU = 1400\nSaveConfig = true\n'
		printf 'PostUp = wg show %%i listen-port >%s/hook; ip link show %%i >>%s/hook\n' "$TMP" "$TMP"
		sed '1,/^$/d' "$TMP/pair.conf"
	} | (umask 077; sed 's/^\[Peer\]/\n&/' >"$TMP/etc/mm0.conf")
	quick mmesh-quick up mm0
	expect_eq "$(ip -n "$A" -j -d link show mm0 | jq -r '.[0] | "\(.linkinfo.info_kind) \(.mtu)"')" \
		"mmesh 1400" "link"
	expect_eq "$(head -n 1 "$TMP/hook")" 1001 "what a hook's wg said"
	both_ways
	keyfile extra
	mmesh -n "$A" peer add "${PUB[extra]}" dev mm0 allowed-ips 10.99.0.0/16
	quick mmesh-quick save mm0
	grep -q "${PUB[extra]}" "$TMP/etc/mm0.conf"
	quick mmesh-quick strip mm0 | mmesh -n "$A" dev syncconf mm0 -
	both_ways
	quick mmesh-quick down mm0
	refused ip -n "$A" link show mm0 2>/dev/null
	refused quick mmesh-quick down mm0 2>/dev/null
	# A second time, and twice.
	quick mmesh-quick up mm0
	refused quick mmesh-quick up mm0 2>/dev/null
	both_ways
	quick mmesh-quick down mm0
}

# Everything through the tunnel: wg-quick's policy routing needs fwmark and rules.
test_wg_quick_default_route()
{
	need_command wg-quick
	need_command nft
	[ -d /etc/wireguard ] || skip_test "no /etc/wireguard to lay something over"
	pair
	addr "$B" lo 10.123.0.1/32
	mmesh -n "$A" dev showconf "$DA" >"$TMP/pair.conf"
	mmesh -n "$A" dev del "$DA"
	mkdir -m 700 "$TMP/etc"
	(umask 077; sed 's|^AllowedIPs = .*|AllowedIPs = 0.0.0.0/0|
		s|^\[Interface\]|&\nAddress = 192.168.241.1/24|' "$TMP/pair.conf" >"$TMP/etc/mm0.conf")
	quick mmesh-quick up mm0
	expect_eq "$(mmesh -n "$A" wg show mm0 fwmark)" 0xca6c fwmark
	pings "$A" 10.123.0.1
	quick mmesh-quick down mm0
	expect_eq "$(ip -n "$A" rule show | grep -c 51820)" 0 "rules left"
}

test_wg_quick_refusals()
{
	need_command wg-quick
	[ -d /etc/wireguard ] || skip_test "no /etc/wireguard to lay something over"
	ns A
	mkdir -m 700 "$TMP/etc"
	printf '[Interface]\nPrivateKey = x\n' >"$TMP/etc/mm0.conf"
	refused quick mmesh-quick up mm0 2>"$TMP/err"
	grep -q 'PrivateKey: a key is 44' "$TMP/err"
	refused ip -n "$A" link show mm0 2>/dev/null
	refused quick mmesh-quick up nothing 2>/dev/null
	quick mmesh-quick help >/dev/null 2>&1
}

run_tests "$@"
