# SPDX-License-Identifier: Apache-2.0
#
# What the bash completion offers, against a stand-in for the program; and that
# zsh can read its own.

failed=0
top="$(cd "$(dirname "$0")/../.." && pwd)"
cd "$SCRATCH" || exit 1
mkdir -p bin
cat >bin/mmesh <<'END'
#!/bin/sh
case "$*" in
*"wg show interfaces") echo "mm0 mm1" ;;
*"-br network list") echo "acme/prod   10.0.0.0/8  on"; echo "acme/test  -" ;;
*"-br subnet list") echo "acme/prod/web  10.0.1.0/24" ;;
*"-o peer show"*) echo "KEYONE= dev mm0"; echo "KEYTWO= dev mm1" ;;
esac
END
chmod +x bin/mmesh
PATH="$PWD/bin:$PATH"
# shellcheck source=/dev/null
. "$top/packaging/completions/mmesh.bash"

# offers "EXPECTED WORDS" WORD... - the last word is the one being completed
offers() {
	local expected="$1" found
	shift
	COMP_WORDS=(mmesh "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_mmesh
	found="$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')"
	expected="$(tr ' ' '\n' <<<"$expected" | sort | tr '\n' ' ')"
	if [[ "${found% }" == "${expected% }" ]]; then
		echo "ok - completion: $*"
	else
		echo "not ok - completion: $*"
		echo "offers \"$found\", not \"$expected\""
		failed=1
	fi
}

offers "key dev peer path relay stat monitor wg help tenant network subnet node zone token apply export join leave up
down status wait" ""
offers "dev down" d
offers "-json" -j
offers "gen pub psk help" key ""
offers "set setconf show showconf syncconf" dev s
offers "mm0 mm1" dev set ""
offers "private-key listen-port fwmark network subnet routed-subnets member-prefix peer-miss" dev set mm0 ""
offers "private-key fwmark network subnet routed-subnets member-prefix peer-miss" dev set mm0 listen-port 5 ""
offers "off" dev set mm0 fwmark ""
offers "KEYONE= KEYTWO=" peer set ""
offers "dev endpoint allowed-ips psk persistent-keepalive suite subnet extended" peer set KEYONE= ""
offers "mm0 mm1" peer set KEYONE= dev ""
offers "wireguard aes256gcm" peer set KEYONE= dev mm0 suite ""
offers "endpoint extended" peer set KEYONE= dev mm0 e
offers "dev" peer del KEYONE= ""
offers "dev KEYONE= KEYTWO=" peer show ""
offers "show help" stat ""
offers "dev peer path help" monitor ""
offers "show add del help" path ""
offers "show add del help" relay ""
offers "list show add set del help" network ""
offers "acme/prod acme/test" network set ""
offers "" network add ""
offers "acme/prod/web" token add ""
offers "prefix routed-subnets locked zone mtu" network add acme/x ""
offers "prefix locked zone mtu" network set acme/prod routed-subnets on ""
offers "on off" network set acme/prod routed-subnets ""
offers "kind mesh-key address tag route relay private-key config" node add a/b/c/d ""
offers "kind mesh-key address tag route relay" node set a/b/c/d ""
offers "recursive" network del acme/prod ""
offers "" join ""
offers "name device address listen-port relay endpoint controller table" join - ""
offers "on off" join - relay ""
offers "-f --dry-run help" apply ""
offers "live ready" status --check ""
offers "mm0 mm1 --check" status ""
offers "mm0 mm1" up ""
offers "acme/prod acme/test help" --controller /run/x export ""
offers "mm0 mm1 all interfaces" wg show ""
offers "dump" wg show mm0 d
offers "mm0 mm1" -n other dev set ""
offers "gen pub psk help" -j -p key ""

# zsh_offers PATTERN LINE: what an interactive zsh shows after two tabs
zsh_offers() {
	if TERM=dumb timeout 30 zsh -f -c '
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PROMPT=; fpath=($1 \$fpath); autoload -U compinit; compinit -u -D"
		zpty -w z "bindkey \"^I\" complete-word; LISTMAX=0; print rea\"\"dy"
		zpty -r z seen "*ready*"
		zpty -w -n z "$2"$'"'\t\t'"'
		zpty -r z seen "$3"' zsh "$top/packaging/completions" "$2" "$1"; then
		echo "ok - completion: zsh: $2"
	else
		echo "not ok - completion: zsh: $2"
		failed=1
	fi
}

if command -v zsh >/dev/null; then
	zsh_offers '*apply*wg*' 'mmesh '
	zsh_offers '*locked*prefix*routed-subnets*' 'mmesh network set acme/prod '
	zsh_offers '*acme/prod*acme/test*' 'mmesh network del '
	zsh_offers '*live*ready*' 'mmesh status --check '
	zsh_offers '*add*del*help*replace*set*show*' 'mmesh peer '
	zsh_offers '*fwmark*member-prefix*private-key*' 'mmesh -j dev set mm0 '
	zsh_offers '*aes256gcm*wireguard*' 'mmesh peer set KEY dev mm0 suite '
	zsh_offers '*mm0*mm1*' 'mmesh dev del '
	zsh_offers '*KEYONE*KEYTWO*' 'mmesh peer del '
else
	echo "ok - completion: zsh # SKIP no zsh"
fi
exit $failed
