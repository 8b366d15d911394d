# SPDX-License-Identifier: Apache-2.0
#
# mmesh-ctl with a real controller: every command, what it prints, and what is
# refused. Without a broker and without nodes.

failed=0
ctl="$BINS/mmesh-ctl-sanitized"
dir="$SCRATCH/ctl-controller"
rm -rf "$dir"
mkdir -p "$dir"
cd "$dir" || exit 1
export MMESH_CONTROLLER="$dir/c.sock"

port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
"$PROGRAMS/mmesh-controller" standalone "$dir/state" socket "$dir/c.sock" listen "127.0.0.1:$port" broker none \
	>log 2>&1 &
controller=$!
trap 'kill $controller 2>/dev/null; wait $controller 2>/dev/null' EXIT
if ! timeout 30 grep -q 'is running' <(tail -n +1 -f --pid=$controller log); then
	echo "not ok - ctl-controller: the controller starts"
	cat log
	exit 1
fi

# try STATUS PATTERN WORD...: exit status, and a line of output or error like that
try() {
	local expected="$1" pattern="$2" status=0
	shift 2
	"$ctl" "$@" >out 2>&1 </dev/null || status=$?
	if [[ $status -eq $expected ]] && grep -qE -- "$pattern" out; then
		echo "ok - ctl-controller: $*"
	else
		echo "not ok - ctl-controller: $*"
		echo "status $status instead of $expected, or no \"$pattern\" in:"
		cat out
		failed=1
	fi
}

# same NAME EXPECTED GOT
same() {
	if [[ $2 == "$3" ]]; then
		echo "ok - ctl-controller: $1"
	else
		echo "not ok - ctl-controller: $1"
		diff <(echo "$2") <(echo "$3")
		failed=1
	fi
}

try 0 '^default/main/main  *10\.77\.' subnet list
try 0 '"tenants":\[\{"path":"default"' -j tenant list
try 0 '^mmesh1\.' token add
try 0 '^mmesh1\.' token add default/main/main uses 3 expires 1h tag ci
try 0 '^mmesh1\.' token add default/main/main/named expires 2d
try 0 '^default/main/main/named ' -br token list
same "a token is alone on standard output" 1 "$("$ctl" token add 2>/dev/null | wc -l)"
try 2 'expires' token add default/main/main expires 100w
try 0 '^network: acme/prod$|tenant' tenant add acme
try 0 'prefix: 10\.20\.0\.0/16' network add acme/prod prefix 10.20.0.0/16 routed-subnets on
try 2 'network acme/prod exists' network add acme/prod prefix 10.20.0.0/16
try 2 'prefix' network add acme/other
try 2 'there is no network acme/none' network show acme/none
try 2 'there is no' network set acme/none mtu 1400
try 0 'prefix: 10\.20\.0\.0/24' subnet add acme/prod/web
try 2 'prefix' subnet add acme/prod/far prefix 10.21.1.0/24
try 1 'there is more than one subnet' token add
try 0 'zone: acme/eu' zone add acme/eu
try 0 . network show acme/prod
"$ctl" network set acme/prod zone eu mtu 1400 || failed=1
try 0 ' zone: eu$' network show acme/prod
try 0 '  routed subnets: on' network show acme/prod
"$ctl" network set acme/prod zone none || failed=1
same "a zone can be taken away" null "$("$ctl" -j network show acme/prod | jq -c '.networks[0].zone')"
same "only what is said changes" '["10.20.0.0/16",true,1400]' \
	"$("$ctl" -j network show acme/prod | jq -c '.networks[0] | [.prefix, .routed_subnets, .mtu]')"
try 2 'only WireGuard clients are created here' node add acme/prod/web/db1

# WireGuard clients
"$ctl" node add acme/prod/web/phone kind wireguard tag a,b >phone.conf || failed=1
same "the configuration has the key that the controller knows" \
	"$("$ctl" -j node show acme/prod/web/phone | jq -r '.nodes[0].mesh_key')" \
	"$(sed -n 's/^PrivateKey = //p' phone.conf | "$PROGRAMS/mmesh" key pub)"
same "it has the address that the controller gave" \
	"$("$ctl" -j node show acme/prod/web/phone | jq -r '.nodes[0].address[0]')" \
	"$(sed -n 's/^Address = \([0-9.]*\).*/\1/p' phone.conf)"
try 0 'PrivateKey' -j node add acme/prod/web/tablet kind wireguard
try 0 '█' node add acme/prod/web/watch kind wireguard config qr
try 2 'exists' node add acme/prod/web/phone kind wireguard config "$dir/again.conf"
same "no file for a node that was refused" 1 "$(test -e again.conf; echo $?)"
"$ctl" node add acme/prod/web/tv kind wireguard address 10.20.0.77 config tv.conf || failed=1
same "a file has it, and only its owner" "600 1" "$(stat -c %a tv.conf) $(grep -c PrivateKey tv.conf)"
try 2 '10\.20\.0\.77' node add acme/prod/web/tv2 kind wireguard address 10.20.0.77
try 2 'address' node add acme/prod/web/tv2 kind wireguard address 192.0.2.1
try 0 '^acme/prod/web/phone .*wireguard .*a,b' node list acme/prod
try 2 'below it' network del acme/prod
try 0 '"deleted":\["acme/prod/web/tv"\]' -j node del acme/prod/web/tv

# Files
"$ctl" export >all.yaml || failed=1
try 0 '^0 created, 0 changed, [1-9][0-9]* the same' apply -f all.yaml
"$ctl" -j export >all.json || failed=1
try 0 '^0 created, 0 changed, [1-9][0-9]* the same' apply -f all.json
same "export is the same again" "$(cat all.yaml)" "$("$ctl" export)"
cat >new.yaml <<'END'
node: shop/net/a/phone
kind: wireguard
mesh-key: hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=
route: [192.0.2.0/24@5*2]
---
- {subnet: shop/net/a}
- {network: shop/net, prefix: 10.30.0.0/16, zone: here}
- {tenant: shop}
- {zone: shop/here}
END
try 0 '^A dry run, nothing was done: 5 created, 0 changed, 0 the same' apply -f new.yaml --dry-run
try 2 'there is no tenant shop' tenant show shop
try 0 '^5 created' apply -f new.yaml
try 0 '^0 created, 0 changed, 5 the same' apply -f new.yaml
sed -i 's/10.30.0.0/10.31.0.0/' new.yaml
try 2 'prefix' apply -f new.yaml
sed -i 's/10.31.0.0/10.30.0.0/; s/zone: here/routed-subnets: on/' new.yaml
try 0 '^~ network shop/net$' apply -f new.yaml --dry-run
try 0 '^ *routed_subnets: false -> true$' apply -f new.yaml
cat >half.yaml <<'END'
tenant: half
---
subnet: half/no/such
END
try 2 'half/no' apply -f half.yaml
try 2 'there is no tenant half' tenant show half

# An operator elsewhere, by TLS
mkdir -m 700 op
"$PROGRAMS/mmesh-controller" operator alice op directory "$dir/state" >/dev/null || failed=1
try 0 '^shop$' --controller "127.0.0.1:$port" --identity op/alice.pem -br tenant list
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -days 1 -keyout op/eve.key \
	-out op/eve.pem 2>/dev/null
chmod 600 op/eve.key
try 2 . --controller "127.0.0.1:$port" --identity op/eve.pem -br tenant list

try 0 '^shop$' tenant del shop recursive
try 0 . tenant del acme recursive
kill $controller
wait $controller
trap - EXIT
try 2 'mmesh-controller does not run on this machine' tenant list
exit $failed
