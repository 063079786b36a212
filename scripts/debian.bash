# shellcheck shell=bash
# Functions for scripts that need Debian packages but must not change their host. The scripts source
# this file.

# unpack_debian FOLDER PACKAGE...
# Unpacks packages into a folder, with those of their dependencies that the host does not have. apt reads
# the host's sources and status, and keeps its lists and packages in the folder. Needs no root.
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
# Empties the folder BASE and runs a command that fills it. Does nothing if the same version of the
# calling script has filled the folder before. If two scripts call at the same time, one waits.
fill_once() {
    local base=$1 stamp=$1/made-from wanted
    shift
    # The path is part of the stamp, because programs in the folder contain absolute paths.
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
        printf '%s' "$wanted" >"$stamp" # only now is the folder complete
    ) 9<"$base"
}
