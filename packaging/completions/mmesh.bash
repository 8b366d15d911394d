# SPDX-License-Identifier: Apache-2.0
# bash completion for mmesh(8)

# The names of the devices.
_mmesh_devices() {
	"${COMP_WORDS[0]}" "${netns[@]}" wg show interfaces 2>/dev/null
}

# The public keys of a device's peers.
_mmesh_peers() {
	"${COMP_WORDS[0]}" "${netns[@]}" -o peer show ${1:+dev "$1"} 2>/dev/null | cut -d ' ' -f 1
}

_mmesh_words() {
	COMPREPLY+=($(compgen -W "$1" -- "$cur"))
}

_mmesh_files() {
	compopt -o filenames 2>/dev/null
	local IFS=$'\n'
	COMPREPLY+=($(compgen -f -- "$cur"))
}

# Of the words in $1, those that the line doesn't have yet from position $2 on.
_mmesh_unused() {
	local word i out=""
	for word in $1; do
		for ((i = $2; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == "$word" ]] && continue 2
		done
		out+="$word "
	done
	_mmesh_words "$out"
}

# Value of a word of "dev" or "peer"; fails when $1 takes none.
_mmesh_value() {
	case "$1" in
	private-key | psk) _mmesh_files ;;
	listen-port | endpoint | allowed-ips | candidate) ;;
	fwmark | persistent-keepalive) _mmesh_words "off" ;;
	routed-subnets | peer-miss | extended) _mmesh_words "on off" ;;
	network) _mmesh_words "none" ;;
	suite) _mmesh_words "wireguard aes256gcm" ;;
	dev) _mmesh_words "$(_mmesh_devices)" ;;
	*) return 1 ;;
	esac
}

_mmesh_dev() {
	local at=$1 command="${COMP_WORDS[$1]}"
	if ((COMP_CWORD == at)); then
		_mmesh_words "show add set del setconf addconf syncconf showconf help"
	elif ((COMP_CWORD == at + 1)); then
		[[ $command == add || $command == help ]] || _mmesh_words "$(_mmesh_devices)"
	elif [[ $command == *conf && $command != showconf ]]; then
		((COMP_CWORD != at + 2)) || _mmesh_files
	elif [[ $command == set || $command == add ]]; then
		(((COMP_CWORD - at) % 2 == 1)) && _mmesh_value "${COMP_WORDS[COMP_CWORD - 1]}" && return
		_mmesh_unused "private-key listen-port fwmark network subnet routed-subnets member-prefix peer-miss" $((at + 2))
	fi
}

_mmesh_peer() {
	local at=$1 command="${COMP_WORDS[$1]}" device="" i
	local settings="endpoint allowed-ips psk persistent-keepalive suite subnet extended"
	for ((i = at + 1; i + 1 < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == dev ]] && device="${COMP_WORDS[i + 1]}"
	done
	if ((COMP_CWORD == at)); then
		_mmesh_words "show add set replace del help"
	elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == dev ]]; then
		_mmesh_words "$(_mmesh_devices)"
	elif [[ $command == show ]]; then
		_mmesh_unused "dev $(_mmesh_peers "$device")" $((at + 1))
	elif ((COMP_CWORD == at + 1)); then
		[[ $command == add || $command == help ]] || _mmesh_words "$(_mmesh_peers)"
	elif [[ $command == del ]]; then
		_mmesh_unused "dev" $((at + 2))
	elif [[ $command == add || $command == set || $command == replace ]]; then
		(((COMP_CWORD - at) % 2 == 1)) && _mmesh_value "${COMP_WORDS[COMP_CWORD - 1]}" && return
		_mmesh_unused "dev $settings" $((at + 2))
	fi
}

# Paths of a kind of objects of the controller.
_mmesh_paths() {
	"${COMP_WORDS[0]}" -br "$1" list 2>/dev/null | cut -d ' ' -f 1
}

# The words that objects of kind $1 take.
_mmesh_kind_words() {
	case "$1" in
	network) echo "prefix routed-subnets locked zone mtu" ;;
	subnet) echo "prefix" ;;
	node) echo "kind mesh-key address tag route relay" ;;
	token) echo "uses expires relay tag" ;;
	esac
}

_mmesh_kind_value() {
	case "$1" in
	routed-subnets | locked | relay) _mmesh_words "on off" ;;
	kind) _mmesh_words "connected stubby wireguard" ;;
	private-key | config) _mmesh_files ;;
	esac
}

# What the controller has: tenant, network, subnet, node, zone, token.
_mmesh_kind() {
	local kind=$1 at=$2 command="${COMP_WORDS[$2]}" first=$(($2 + 2)) words
	words=$(_mmesh_kind_words "$kind")
	[[ $kind == node && $command == add ]] && words+=" private-key config"
	if ((COMP_CWORD == at)); then
		_mmesh_words "list show add set del help"
	elif ((COMP_CWORD == at + 1)); then
		case "$kind:$command" in
		token:add) _mmesh_words "$(_mmesh_paths subnet)" ;;
		*:add | *:help) ;;
		*) _mmesh_words "$(_mmesh_paths "$kind")" ;;
		esac
	elif [[ $command == del ]]; then
		((COMP_CWORD != first)) || _mmesh_words "recursive"
	elif [[ $command == add || $command == set ]]; then
		if (((COMP_CWORD - first) % 2)); then
			_mmesh_kind_value "${COMP_WORDS[COMP_CWORD - 1]}"
		else
			_mmesh_unused "$words" "$first"
		fi
	fi
}

_mmesh_join() {
	local at=$1
	((COMP_CWORD != at)) || return
	if (((COMP_CWORD - at) % 2 == 0)); then
		[[ ${COMP_WORDS[COMP_CWORD - 1]} != relay ]] || _mmesh_words "on off"
	else
		_mmesh_unused "name device address listen-port relay endpoint controller table" $((at + 1))
	fi
}

_mmesh_apply() {
	case "${COMP_WORDS[COMP_CWORD - 1]}" in
	-f) _mmesh_files ;;
	*) _mmesh_unused "-f --dry-run help" "$1" ;;
	esac
}

_mmesh_status() {
	case "${COMP_WORDS[COMP_CWORD - 1]}" in
	--check) _mmesh_words "live ready" ;;
	status) _mmesh_words "--check $(_mmesh_devices)" ;;
	esac
}

_mmesh_wg() {
	local at=$1
	case "$((COMP_CWORD - at)):${COMP_WORDS[$1]}" in
	0:*) _mmesh_words "show showconf set setconf addconf syncconf genkey genpsk pubkey help" ;;
	1:show) _mmesh_words "all interfaces $(_mmesh_devices)" ;;
	1:showconf | 1:set | 1:*conf) _mmesh_words "$(_mmesh_devices)" ;;
	2:show)
		_mmesh_words "public-key private-key listen-port fwmark peers preshared-keys \
			endpoints allowed-ips latest-handshakes persistent-keepalive transfer dump"
		;;
	2:setconf | 2:addconf | 2:syncconf) _mmesh_files ;;
	*:set)
		_mmesh_words "listen-port fwmark private-key peer remove preshared-key endpoint \
			persistent-keepalive allowed-ips"
		;;
	esac
}

_mmesh() {
	local cur="${COMP_WORDS[COMP_CWORD]}" i object
	local -a netns=()
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "${COMP_WORDS[i]}" in
		-n | -netns)
			((++i))
			netns=(-n "${COMP_WORDS[i]}")
			;;
		-b | -batch | --controller | --identity) ((++i)) ;;
		-*) ;;
		*) break ;;
		esac
	done
	if ((i > COMP_CWORD)); then
		case "${COMP_WORDS[COMP_CWORD - 1]}" in
		-b | -batch | --controller | --identity) _mmesh_files ;;
		*) _mmesh_words "$(ls /run/netns 2>/dev/null)" ;;
		esac
		return
	fi
	if ((i == COMP_CWORD)); then
		if [[ $cur == -* ]]; then
			_mmesh_words "-json -pretty -details -stats -oneline -brief -netns -batch -force \
				-color -timestamp --show-keys --controller --identity -Version -help"
		else
			_mmesh_words "key dev peer path relay stat monitor wg help tenant network subnet node zone \
				token apply export join leave up down status wait"
		fi
		return
	fi
	object="${COMP_WORDS[i]}"
	case "$object" in
	key) ((COMP_CWORD != i + 1)) || _mmesh_words "gen pub psk help" ;;
	dev | peer | wg) "_mmesh_$object" $((i + 1)) ;;
	stat)
		case $((COMP_CWORD - i)) in
		1) _mmesh_words "show help" ;;
		2) _mmesh_words "dev" ;;
		3) _mmesh_words "$(_mmesh_devices)" ;;
		esac
		;;
	monitor) ((COMP_CWORD != i + 1)) || _mmesh_words "dev peer path help" ;;
	path | relay) ((COMP_CWORD != i + 1)) || _mmesh_words "show add del help" ;;
	tenant | network | subnet | node | zone | token) _mmesh_kind "$object" $((i + 1)) ;;
	export) ((COMP_CWORD != i + 1)) || _mmesh_words "$(_mmesh_paths network) help" ;;
	join | apply | status) "_mmesh_$object" $((i + 1)) ;;
	leave | up | down) ((COMP_CWORD != i + 1)) || _mmesh_words "$(_mmesh_devices)" ;;
	wait) ((COMP_CWORD != i + 1)) || _mmesh_words "--timeout help" ;;
	esac
}

complete -F _mmesh mmesh
