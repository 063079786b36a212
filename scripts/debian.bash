# shellcheck shell=bash
# Debian packages for the scripts that must not change their host: to be sourced by them.

# unpack_debian FOLDER PACKAGE...
# Unpacks packages, and those of what they need that the host does not have, into a folder. apt reads
# the host's sources and status, and keeps lists and packages in folders of our own. Needs no root.
unpack_debian() {
    local folder=$1 package
    shift
    local apt=(apt-get -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder/cache"
        -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Acquire::Languages=none)
    mkdir -p "$folder"/lists/partial "$folder"/cache/archives/partial &&
        "${apt[@]}" update &&
        "${apt[@]}" install --yes --reinstall --download-only --no-install-recommends "$@" || return
    for package in "$folder"/cache/archives/*.deb; do
        dpkg-deb --extract "$package" "$folder" || return
    done
    rm -r "$folder"/{lists,cache}
}

# fill_once BASE COMMAND...
# Runs a command that fills the folder BASE, which is empty then, unless that was done by the same
# version of the calling script in the same folder. Two callers at a time wait for each other.
fill_once() {
    local base=$1 stamp=$1/made-from wanted
    shift
    # Where it lies as well: programs there have whole paths.
    wanted="$(cat "$self" "${BASH_SOURCE[0]}" | sha256sum) $base"
    mkdir -p "$base"
    (
        flock 9
        [[ ! -f $stamp || $(<"$stamp") != "$wanted" ]] || exit 0
        find "$base" -mindepth 1 -maxdepth 1 -exec rm -rf --one-file-system {} +
        "$@" >"$base/log" 2>&1 || {
            tail -n 20 "$base/log" >&2
            echo "${self##*/}: Debian's packages could not be fetched; the whole log is $base/log" >&2
            exit 1
        }
        printf '%s' "$wanted" >"$stamp" # last
    ) 9<"$base"
}
