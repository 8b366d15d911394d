# SPDX-License-Identifier: Apache-2.0
#
# The command line of mmesh-ctl as far as it goes without a controller and without
# mmeshd: help, wrong words, exit statuses; and that mmesh finds it.

failed=0
ctl="$BINS/mmesh-ctl-sanitized"
cd "$SCRATCH" || exit 1
mkdir -p ctl-cli
export MMESH_CONTROLLER="$SCRATCH/ctl-cli/no.sock" MMESHD_SOCKET="$SCRATCH/ctl-cli/no.sock"

# try STATUS PATTERN WORD...: exit status, and a line of output or error like that
try() {
	local expected="$1" pattern="$2" status=0
	shift 2
	"$ctl" "$@" >out 2>&1 </dev/null || status=$?
	if [[ $status -eq $expected ]] && grep -qE -- "$pattern" out; then
		echo "ok - ctl-cli: $*"
	else
		echo "not ok - ctl-cli: $*"
		echo "status $status instead of $expected, or no \"$pattern\" in:"
		cat out
		failed=1
	fi
}

for object in tenant network subnet node zone token apply export join leave up down status wait; do
	try 0 '^Usage: mmesh '$object $object help
done
try 0 '^Usage: mmesh \[OPTIONS\]' help
try 0 '^Usage: mmesh join' join - name x help
try 0 '    routed-subnets  on or off' network add help
try 0 '    config  ' node add help
try 1 '^Usage: '
try 1 '"frob" is not a word of "mmesh"; expected one of: tenant, network' frob
try 1 '"frob" is not a word of "mmesh network"; expected one of: list, show, add, set, del, help' network frob
try 1 '"mmesh network add" needs the path of a network: TENANT/NETWORK' network add
try 1 '"acme" has 1 name; the path of a network is TENANT/NETWORK' network add acme
try 1 '"Acme" is not a name: 1 to 63' network show Acme/prod
try 1 '"prefx" is not a word of "mmesh network add"; expected one of: prefix, routed-subnets, locked, zone, mtu' \
	network add acme/prod prefx 1
try 1 '"kernel-id" of a network is decided by the controller; those that can be given are: prefix' \
	network set acme/prod kernel-id 5
try 1 '"prefix" in "mmesh network add" needs a value after it: ADDRESS/LENGTH' network add acme/prod prefix
try 1 'prefix: "10.0.0.0" has no length' network add acme/prod prefix 10.0.0.0
try 1 'prefix: "10.0.0.1/8" has bits beyond its length; 10.0.0.0/8 was meant' network add acme/prod prefix 10.0.0.1/8
try 1 'routed-subnets: "yes" is neither on nor off' network add acme/prod routed-subnets yes
try 1 '"mtu" is given twice' network add acme/prod mtu 1400 mtu 1400
try 1 'needs at least one of: prefix, routed-subnets' network set acme/prod
try 1 '"foo" is one word too many for "mmesh tenant add"' tenant add acme foo
try 1 '"all" is not a word of "mmesh network del"; expected one of: recursive' network del acme/prod all
try 1 '"x" is one word too many' network list acme x
try 1 'kind: "phone" is none of: connected, stubby, wireguard' node add a/b/c/d kind phone
try 1 'config is for nodes of "kind wireguard"' node add a/b/c/d config -
try 1 '"config" in .* needs a value' node add a/b/c/d kind wireguard config
try 1 'mesh-key and private-key: give one' node add a/b/c/d kind wireguard private-key - \
	mesh-key hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
try 1 'private-key: there is no key in "-"' node add a/b/c/d kind wireguard private-key -
try 1 'config: cannot make "/nonexistent/x"' node add a/b/c/d kind wireguard config /nonexistent/x
try 1 'expires: "soon" is not a duration' token add a/b/c expires soon
try 1 '"a/b" has 2 names; the path of a subnet' token add a/b
try 1 '"mmesh join" needs a token, or "-"' join
try 1 'there is no token on standard input' join -
try 1 'relay: "maybe" is neither' join - relay maybe
try 1 'endpoint: .*the port is missing' join - endpoint 192.0.2.1
try 1 'endpoint: ' join - endpoint 192.0.2.1:5,host.example:5
try 1 'address: .*has no length here' join - address 10.0.0.1/24
try 1 '"token" is not a word of "mmesh join"; expected one of: name, device, address, listen-port, relay, endpoint' \
	join - token x
try 1 '"mmesh leave" needs the name of a device' leave
try 1 'neither "live" nor "ready"' status --check dead
try 1 '"--timeout" needs seconds' wait --timeout
try 1 'timeout: ' wait --timeout soon
try 1 '"mmesh apply" needs "-f FILE"' apply
try 1 'cannot read "/nonexistent": No such file' apply -f /nonexistent
try 1 'there is no object in "-"' apply -f -
try 1 'a batch is for "mmesh -b"' -b x
try 2 'mmesh-controller does not run on this machine: nobody listens on ".*no.sock"' network list
try 2 'mmesh-controller does not run' token add
try 2 'mmeshd does not run on this machine: nobody listens on ".*no.sock"' status
try 2 'mmeshd does not run' status --check live
try 2 'mmeshd does not run' join x
try 2 'mmeshd does not run' wait --timeout 0
try 1 'wants an operator.s certificate: give --identity NAME.pem' --controller 192.0.2.1:5 network list
try 1 '"/nonexistent"' --controller 192.0.2.1:5 --identity /nonexistent network list

cat >ctl-cli/bad.yaml <<'END'
network: acme/prod
prefix: 10.0.0.0
---
colour: red
END
try 1 'ctl-cli/bad.yaml:2: prefix: "10.0.0.0" has no length' apply -f ctl-cli/bad.yaml
try 1 'ctl-cli/bad.yaml:4: no key says what this is' apply -f ctl-cli/bad.yaml
try 1 '^Error: 2 mistakes; nothing was changed' apply -f ctl-cli/bad.yaml

# A file that was to be made and could not be filled is gone again.
"$ctl" node add a/b/c/d kind wireguard config ctl-cli/phone.conf >out 2>&1
if [[ -e ctl-cli/phone.conf ]]; then
	echo "not ok - ctl-cli: no half-made configuration"
	failed=1
else
	echo "ok - ctl-cli: no half-made configuration"
fi

# An operator's file that others can read, and one that lacks a part.
rm -f ctl-cli/ca.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 1 \
	-keyout ctl-cli/key.pem -out ctl-cli/cert.pem 2>/dev/null
cat ctl-cli/key.pem ctl-cli/cert.pem >ctl-cli/operator.pem
chmod 644 ctl-cli/operator.pem
try 1 'others can read it' --controller 192.0.2.1:5 --identity ctl-cli/operator.pem network list
chmod 600 ctl-cli/operator.pem
try 1 'ctl-cli/operator.pem": .*ctl-cli/ca.pem' --controller 192.0.2.1:5 --identity ctl-cli/operator.pem network list
try 1 'there is no private key in it, and no "ctl-cli/cert.key"' --controller 192.0.2.1:5 --identity ctl-cli/cert.pem \
	network list
cp ctl-cli/cert.pem ctl-cli/ca.pem
try 2 'controller.*127.0.0.1:1|127.0.0.1:1' --controller 127.0.0.1:1 --identity ctl-cli/operator.pem network list
try 1 'there is no private key' --controller 192.0.2.1:5 --identity ctl-cli/bad.yaml network list

# mmesh itself hands such objects on, its options with them; in a batch, too.
mkdir -p ctl-cli/bin
cp "$PROGRAMS/mmesh" ctl-cli/bin
cat >ctl-cli/bin/mmesh-ctl <<'END'
#!/bin/sh
echo "$@"
exit 2
END
chmod +x ctl-cli/bin/mmesh-ctl
got="$(ctl-cli/bin/mmesh -j -p -d -c=never --controller a:1 --identity f network add acme/prod)"
status=$?
if [[ $status -eq 2 && $got == "-j -p -d -c=never --controller a:1 --identity f network add acme/prod" ]]; then
	echo "ok - ctl-cli: mmesh hands on"
else
	echo "not ok - ctl-cli: mmesh hands on"
	echo "status $status: $got"
	failed=1
fi
got="$(printf 'network list\nstatus -d\n' | ctl-cli/bin/mmesh -br -force -b -)"
status=$?
if [[ $status -eq 2 && $got == "-br -force network list"$'\n'"-br -force status -d" ]]; then
	echo "ok - ctl-cli: a batch hands on"
else
	echo "not ok - ctl-cli: a batch hands on"
	echo "status $status: $got"
	failed=1
fi
exit $failed
