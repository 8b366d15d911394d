# SPDX-License-Identifier: Apache-2.0
# Packages of other Debian suites, through a private apt configuration: the machine's own sources, lists and
# installed packages are only read, never changed.

APT_DIR=$LAB_CACHE/apt
APT_SUITES="bookworm bookworm-backports trixie trixie-backports sid"

# The mirror this machine already uses for Debian itself, from either format of sources.
apt_mirror()
{
	local uri

	uri=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
		function flush() {
			if (uri != "" && comp ~ / main( |$)/ && uri !~ /security/)
				print uri
			uri = comp = ""
		}
		/^#/ { next }
		/^[ \t]*$/ { flush(); next }
		/^URIs:/ { uri = $2 }
		/^Components:/ { comp = substr($0, 12) }
		END { flush() }' | grep -E '/debian/?$' | head -n 1)
	[[ $uri ]] || uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -nE 's/^deb +(\[[^]]*\] +)?([a-z+]+:[^ ]*\/debian\/?) .*/\2/p' | head -n 1)
	[[ $uri ]] || die "apt: no Debian mirror is configured on this machine (looked under /etc/apt)"
	echo "$uri"
}

apt_private()
{
	local program=$1

	shift
	"$program" -q \
		-o Dir::Etc::sourcelist="$APT_DIR/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::Lists="$APT_DIR/lists" \
		-o Dir::Cache="$APT_DIR/cache" \
		-o Acquire::Languages=none \
		-o Acquire::Retries=3 \
		-o APT::Sandbox::User= \
		-o APT::Update::Error-Mode=any \
		-o APT::Update::Post-Invoke-Success= \
		"$@"
}

# Package lists, at most two hours old. Call with the lock "apt" held.
apt_refresh()
{
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror suite

	need apt-get apt-cache dpkg
	if [[ $(find "$APT_DIR/stamp" -mmin -120 2>/dev/null) ]]; then
		return
	fi
	[[ -r $keyring ]] || die "apt: $keyring is missing (package debian-archive-keyring)"
	mirror=$(apt_mirror)
	mkdir -p "$APT_DIR"/{lists,cache/archives}/partial
	for suite in $APT_SUITES; do
		echo "deb [signed-by=$keyring] $mirror $suite main"
	done >"$APT_DIR/sources.list"
	say "fetching package lists"
	retry 4 apt_private apt-get update >"$APT_DIR/update.log" 2>&1 ||
		{ cat "$APT_DIR/update.log" >&2; die "apt: cannot fetch the package lists"; }
	touch "$APT_DIR/stamp"
}

# apt_matching REGEX: all package names that match, the newest first.
apt_matching()
{
	apt_private apt-cache pkgnames | grep -xE -- "$1" | sort -Vr || :
}

# apt_version PACKAGE: the candidate's version.
apt_version()
{
	apt_private apt-cache --no-all-versions show "$1" | sed -n 's/^Version: //p' | head -n 1
}

# apt_fetch DIR PACKAGE...: downloads the packages' archives into DIR.
apt_fetch()
{
	local dir=$1

	shift
	mkdir -p "$dir"
	say "downloading $*"
	(cd "$dir" && retry 4 quietly download.log apt_private apt-get download "$@") ||
		die "apt: cannot download: $*"
}
