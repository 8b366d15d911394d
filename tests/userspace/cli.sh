# SPDX-License-Identifier: Apache-2.0
#
# The command line as far as it goes without a kernel module: help, wrong words,
# exit statuses, keys. Runs the program that the sanitizers watch.

failed=0
mmesh="$BINS/mmesh-sanitized"
cd "$SCRATCH" || exit 1

# try STATUS PATTERN WORD...: exit status, and a line of output or error like that
try() {
	local expected="$1" pattern="$2" status=0
	shift 2
	"$mmesh" "$@" >out 2>&1 </dev/null || status=$?
	if [[ $status -eq $expected ]] && grep -qE -- "$pattern" out; then
		echo "ok - cli: mmesh $*"
	else
		echo "not ok - cli: mmesh $*"
		echo "status $status instead of $expected, or no \"$pattern\" in:"
		cat out
		failed=1
	fi
}

KEY=hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=

for words in "" "key " "dev " "peer " "stat " "monitor " "wg " "dev set " "peer add " "peer show "; do
	# shellcheck disable=SC2086
	try 0 '^Usage: ' ${words}help
done
try 0 '^Usage: ' -h
try 0 '^Usage: ' --help
try 0 '^Usage: ' peer set "$KEY" dev mm0 help
try 0 '^Usage: ' wg set --help
try 1 '^Usage: '
try 0 '^mmesh tool, version [0-9]' -V
try 1 '"frob" is not a word of "mmesh"; expected one of: key, dev, peer' frob
try 1 '"pee" is not a word of "mmesh"' pee
try 1 '"sho" is not a word of "mmesh peer"; expected one of: show, add' peer sho
try 1 '"-x" is not an option' -x
try 1 'needs a value' -n
try 1 '"prot" is not a word of "mmesh peer set"; expected one of: dev, endpoint, allowed-ips, psk, persistent-keepalive, suite, extended, subnet, candidate, via\.' \
	peer set "$KEY" prot 5
try 1 '"prot" is not a public key: a key is 44 characters' peer set prot
try 1 'is not a public key: not base64' peer set "${KEY/h/_}" dev mm0
try 1 '"mmesh peer add" needs the peer.s public key' peer add
try 1 '"mmesh peer add" needs "dev DEV"' peer add "$KEY"
try 1 '"dev" is given twice' peer add "$KEY" dev mm0 dev mm0
try 1 '"endpoint" in "mmesh peer add" needs a value' peer add "$KEY" dev mm0 endpoint
try 1 'dev: a device.s name has 1 to 15 bytes' peer add "$KEY" dev aaaaaaaaaaaaaaaa
try 1 'endpoint: .*the port is missing' peer add "$KEY" dev mm0 endpoint 1.2.3.4
try 1 'endpoint: cannot resolve' peer add "$KEY" dev mm0 endpoint a..b:5
try 1 'allowed-ips: .*from 0 to 32' peer add "$KEY" dev mm0 allowed-ips 10.0.0.0/33
try 1 'allowed-ips: entries with \+ or -' peer add "$KEY" dev mm0 allowed-ips +10.0.0.0/8
try 1 'persistent-keepalive: "x" is not' peer add "$KEY" dev mm0 persistent-keepalive x
try 1 'suite: "x" is not a suite; expected one of: wireguard, aes256gcm' peer add "$KEY" dev mm0 suite x
try 1 'psk: cannot open key file "/nonexistent"' peer add "$KEY" dev mm0 psk /nonexistent
try 1 'psk: this is a key where a file' peer add "$KEY" dev mm0 psk "$KEY"
try 1 '"network" is not a word' peer add "$KEY" dev mm0 network 1
try 1 'needs at least one of: endpoint' peer set "$KEY" dev mm0
try 1 '"endpoint" is not a word of "mmesh peer del"; expected one of: dev\.' peer del "$KEY" endpoint x
try 1 '"foo" is not a word of "mmesh peer show"' peer show foo
try 1 'needs at least one of: private-key' dev set mm0
try 1 'listen-port: "65536" is not a port' dev set mm0 listen-port 65536
try 1 'fwmark: "x" is not a firewall mark' dev set mm0 fwmark x
try 1 'needs the name of a device' dev set
try 1 'has no ./., .:. or blank' dev add a/b
try 1 'needs a file' dev setconf mm0
try 1 'cannot open "/nonexistent.conf"' dev setconf mm0 /nonexistent.conf
try 1 'one word too many' dev show mm0 mm1
try 1 'not JSON' -j dev showconf mm0
try 1 '"nope" is not a word of "mmesh stat show"; expected one of: dev' stat show nope
try 1 '"route" is not a word of "mmesh monitor"' monitor route
try 1 'no word|one word too many' key gen now
try 1 'is not a word of "mmesh key"' key
try 1 'there is no private key on standard input' key pub
try 2 'no network namespace and no process "nonexistent"' -n nonexistent dev show
try 1 'neither a network namespace|with -b the commands' -b /dev/null dev

try 1 '"frob" is not a subcommand of "wg"' wg frob
try 1 '"frob" is not a word of "wg show"' wg show mm0 frob
try 1 '"endpoint" is not a word of "wg set" here' wg set mm0 endpoint 1.2.3.4:5
try 1 'peer: a key is 44' wg set mm0 peer x
try 1 'allowed-ips: "x" is not an IPv4 or IPv6 address' wg set mm0 peer "$KEY" allowed-ips x
try 1 'too few words' wg setconf mm0
try 1 'WG_ENDPOINT|cannot open' wg setconf mm0 /nonexistent

check() {
	if "${@:2}"; then
		echo "ok - cli: $1"
	else
		echo "not ok - cli: $1"
		failed=1
	fi
}

check "an empty batch does nothing" "$mmesh" -b /dev/null
"$mmesh" key gen >private 2>warning
check "a key that goes into a file others can read gives a warning" grep -q 'others can read' warning
chmod 600 private
"$mmesh" key pub <private >public
check "a public key has 44 characters" [ "$(wc -c <public)" -eq 45 ]
"$mmesh" -j key psk | python3 -c 'import json,sys; d=json.load(sys.stdin); assert d["schema"]=="mmesh/1" and len(d["preshared_key"])==44'
check "key psk in JSON" [ $? -eq 0 ]
chmod 644 private
"$mmesh" dev set mm0 private-key private listen-port x >out 2>&1
check "a key file that others can read gives a warning" grep -q 'can be read by its group' out
printf '[Interface]\nListenPort = x\n' >bad.conf
"$mmesh" dev setconf mm0 bad.conf >out 2>&1
check "a bad file names file, line and field" grep -q 'bad.conf:2: ListenPort: ' out
printf '# a comment\n\nkey gen\nkey frob\nkey gen\n' >batch
"$mmesh" -b batch >out 2>err
check "a batch stops at the first error" [ "$(wc -l <out)" -eq 1 ]
check "and names file and line" grep -q '^batch:4: Error: "frob"' err
"$mmesh" -force -b batch >out 2>err
status=$?
check "with -force it goes on" [ "$(wc -l <out)" -eq 2 ]
check "and fails all the same" [ "$status" -eq 1 ]
printf 'key pub\n' | "$mmesh" -b - >out 2>&1
check "a batch on standard input leaves none for keys" grep -q 'standard input is in use' out
"$mmesh" key gen >/dev/full 2>err
check "a full disk is an error" grep -q 'cannot write to standard output' err
ln -sf "$mmesh" wg
./wg genkey | ./wg pubkey >out
check "the tool called as wg is wg" [ "$(wc -c <out)" -eq 45 ]

for golden in "$(dirname "$0")"/golden/*.json; do
	check "${golden##*/} is JSON" python3 -c 'import json,sys; json.load(open(sys.argv[1]))' "$golden"
done
check "monitor.jsonl is JSON, line by line" python3 -c '
import json, sys
for line in open(sys.argv[1]):
    assert json.loads(line)["schema"] == "mmesh/1"' "$(dirname "$0")/golden/monitor.jsonl"
exit $failed
