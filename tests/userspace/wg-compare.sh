# SPDX-License-Identifier: Apache-2.0
#
# Compare, byte for byte, what the real wg(8) prints for a device with what the
# tool prints for the same one, and what both read from the same file. wg talks
# to a stand-in for a userspace device, so neither module is needed.

failed=0
result() {
	if [[ $1 -eq 0 ]]; then
		echo "ok - wg-compare: $2"
	else
		echo "not ok - wg-compare: $2"
		failed=1
	fi
}

if ! command -v wg >/dev/null || ! mkdir -p /var/run/wireguard 2>/dev/null ||
	! [[ -w /var/run/wireguard ]]; then
	echo "ok - wg-compare # SKIP needs wg(8) and /var/run/wireguard"
	exit 0
fi

here="$(cd "$(dirname "$0")" && pwd)"
name="mmt$$"
render="$BINS/wg-render"
cd "$SCRATCH" || exit 1

# start GET_FILE: a device that answers with that file
start() {
	cp "$1" get.uapi
	coproc FAKE { exec "$here/programs/fake-wg" "$name" "$SCRATCH/get.uapi" "$SCRATCH/set.uapi"; }
	read -r _ <&"${FAKE[0]}"
}

stop() {
	local pid=$FAKE_PID
	eval "exec ${FAKE[1]}>&-"
	wait "$pid"
}

compare() {
	local label="$1"
	shift
	if diff -u expected actual; then
		result 0 "$label"
	else
		result 1 "$label"
	fi
}

# Handshakes of the data happened before a fixed moment; wg shows the distance
# from now, so both are made to start from the same second.
fresh() {
	local now
	now="$(date +%s)"
	awk -F= -v now="$now" '$1 == "last_handshake_time_sec" && $2 > 0 { $2 = now - 1795270500 + $2 }
		{ print $1 "=" $2 }' "$1"
}

params="public-key private-key listen-port fwmark peers preshared-keys endpoints allowed-ips
latest-handshakes persistent-keepalive transfer dump"
for data in full empty alone; do
	fresh "$here/data/$data.uapi" >current.uapi
	start current.uapi
	for param in $params; do
		wg show "$name" "$param" >expected
		"$render" current.uapi "$name" "$param" >actual
		compare "$data: show $param"
		# wg(8) puts the name before the first of the endpoints only, and before
		# nothing when there is none; its manual says before each.
		wg show all "$param" | sed "s/^$name\t//; /^\$/d; s/^/$name\t/" >expected
		"$render" current.uapi "$name" "$param" all >actual
		compare "$data: show all $param"
	done
	wg showconf "$name" >expected
	"$render" current.uapi "$name" showconf >actual
	compare "$data: showconf"
	for colour in never always; do
		for hide in always never; do
			export WG_COLOR_MODE=$colour WG_HIDE_KEYS=$hide
			# The second may change between the two.
			for _ in 1 2 3; do
				wg show "$name" >expected
				"$render" current.uapi "$name" pretty >actual
				cmp -s expected actual && break
			done
			compare "$data: show, colour $colour, keys hidden $hide"
		done
	done
	unset WG_COLOR_MODE WG_HIDE_KEYS
	stop
done

# What both take from a configuration file. wg(8) says more than the file does
# (the defaults of setconf), and in another order: compare what the file says.
normal() {
	grep -vE '^(replace_peers|protocol_version)=' "$1" | sed 's/^fwmark=0$//; s/^listen_port=0$//' |
		grep -v '^private_key=0*$' | grep -v '^$'
}
# One line a peer, its words sorted, so that the order within does not matter.
by_peer() {
	awk '/^public_key=/ { printf "\n" } { printf "%s ", $0 } END { print "" }' |
		while read -r line; do tr ' ' '\n' <<<"$line" | sort | tr '\n' ' '; echo; done
}
start "$here/data/empty.uapi"
for conf in "$here"/data/*.conf; do
	label="${conf##*/}"
	rm -f set.uapi
	wg setconf "$name" "$conf" 2>wg.err
	wg_status=$?
	"$render" --conf "$conf" >ours.uapi 2>ours.err
	ours_status=$?
	if [[ $label == bad-* ]]; then
		((wg_status != 0 && ours_status != 0))
		result $? "$label is refused by both"
		continue
	fi
	if ((wg_status != 0 || ours_status != 0)); then
		cat wg.err ours.err
		result 1 "$label is taken by both"
		continue
	fi
	normal set.uapi | by_peer >expected
	normal ours.uapi | by_peer >actual
	compare "$label says the same to both"
done
stop

printf '%s\n' "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=" >private
wg pubkey <private >expected
"$PROGRAMS/mmesh" wg pubkey <private >actual
compare "pubkey"
exit $failed
