# shellcheck shell=bash
# Root folders made from Debian's packages, as tar files in the cache; sourced by the tests of image and unit. Needs lib.sh
# and a folder `work`.

suite=bookworm
base=$cache/image-base-$suite.tar
systemd_base=$cache/unit-base-$suite.tar

# The mirror that this machine's apt uses.
mirror() {
	sed -n 's/^URIs: *//p; s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' \
		/etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -n 1
}

# debian TAR PACKAGES: makes a root folder once.
debian() {
	[ ! -f "$1" ] || return 0
	local folder=$work/base from
	from=$(mirror)
	say "making $1 from the packages of Debian $suite (about two minutes, once)"
	debootstrap --variant=minbase ${2:+--include="$2"} "$suite" "$folder" ${from:+"$from"} >"$work/debootstrap.log" 2>&1 || {
		tail -n 5 "$work/debootstrap.log" >&2
		die "debootstrap failed"
	}
	rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/dev/* "$folder/etc/machine-id"
	mkdir -p "$cache"
	tar -C "$folder" --numeric-owner -cf "$1.$$" . && mv "$1.$$" "$1" || die "could not write $1"
	rm -rf "$folder"
}

# What Debian's slim image has too.
make_base() { debian "$base" ""; }

make_systemd_base() { debian "$systemd_base" systemd,systemd-sysv,dbus,ca-certificates,libstdc++6,curl; }
