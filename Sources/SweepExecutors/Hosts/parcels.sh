# shellcheck shell=sh
# Takes files in and hands them out, removes folders: the far side of ParcelUp, ParcelDown and RemoteRemoval. Every function
# that fails leaves a sentence in sweepq_why. All names are relative to the root, and none begins with a hyphen.

LC_ALL=C
export LC_ALL
umask 077

sweepq_fail() {
  sweepq_why=$1
  return 74
}

# ROOT: the folder that all of ours is in.
sweepq_enter_root() {
  sweepq_why=
  cd "$1" 2>/dev/null || sweepq_fail "cannot enter the folder $1"
}

# BYTES [RESERVE]: fails where so many cannot be written, or where less than RESERVE bytes would stay free then.
sweepq_needs_room() {
  sweepq_space=$(df -Pk . 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9]*%.*/\1/p')
  if [ -n "$sweepq_space" ] && [ "$sweepq_space" -lt $((($1 + ${2-0}) / 1024 + 1)) ]; then
    sweepq_why="only $sweepq_space KiB are free there, and $1 bytes are needed"
    [ "${2-0}" -eq 0 ] || sweepq_why="$sweepq_why beside $2 bytes that are to stay free"
    return 74
  fi
}

# NAME BYTES SUM [ROOM [RESERVE]]: keeps the standard input, a tar of so many bytes with that checksum of cksum(1), and
# unpacks it beside where its contents belong.
sweepq_take_in() {
  sweepq_parcel=incoming/$1
  mkdir -p incoming || sweepq_fail "cannot make the folder incoming" || return
  # ROOM is for what is copied beside it.
  sweepq_needs_room $(($2 * 2 + ${4-0})) "${5-0}" || return
  if ! sweepq_text=$({ cat >"$sweepq_parcel.tar"; } 2>&1); then
    sweepq_discard
    sweepq_fail "cannot write what was sent: $sweepq_text"
    return
  fi
  if [ "$(cksum <"$sweepq_parcel.tar")" != "$3 $2" ]; then
    sweepq_discard
    sweepq_fail "what was sent has not come whole"
    return
  fi
  if ! sweepq_text=$(mkdir "$sweepq_parcel" 2>&1 && cd "$sweepq_parcel" && tar -xof "../$1.tar" 2>&1); then
    sweepq_discard
    sweepq_fail "cannot unpack what was sent: $sweepq_text"
    return
  fi
  rm -f "$sweepq_parcel.tar"
}

sweepq_discard() {
  rm -rf "$sweepq_parcel" "$sweepq_parcel.tar" "$sweepq_parcel.old"
}

# TARGET PARENT NAME...: gives what was unpacked its place, the names below TARGET/PARENT. What is there already stays: it
# came whole, too.
sweepq_keep() {
  sweepq_from=$sweepq_parcel/$2 sweepq_to=$1/$2
  shift 2
  mkdir -p "$sweepq_to" || sweepq_fail "cannot make the folder $sweepq_to" || return
  for sweepq_name in "$@"; do
    shift
    if [ -e "$sweepq_to/$sweepq_name" ] || [ -h "$sweepq_to/$sweepq_name" ]; then continue; fi
    set -- "$@" "$sweepq_from/$sweepq_name"
  done
  [ $# -eq 0 ] || sweepq_text=$(mv -f "$@" "$sweepq_to/" 2>&1) ||
    sweepq_fail "cannot put in place what was sent: $sweepq_text"
}

# The same, in place of what is there.
sweepq_replace() {
  sweepq_from=$sweepq_parcel/$2 sweepq_to=$1/$2
  shift 2
  mkdir -p "$sweepq_to" || sweepq_fail "cannot make the folder $sweepq_to" || return
  for sweepq_name in "$@"; do
    if [ -d "$sweepq_to/$sweepq_name" ] || [ -d "$sweepq_from/$sweepq_name" ]; then
      # A folder cannot take another's place at once.
      if [ -e "$sweepq_to/$sweepq_name" ] || [ -h "$sweepq_to/$sweepq_name" ]; then
        mkdir -p "$sweepq_parcel.old" && mv -f "$sweepq_to/$sweepq_name" "$sweepq_parcel.old/" ||
          sweepq_fail "cannot put $sweepq_to/$sweepq_name aside" || return
      fi
    fi
    sweepq_text=$(mv -f "$sweepq_from/$sweepq_name" "$sweepq_to/" 2>&1) ||
      sweepq_fail "cannot put in place what was sent: $sweepq_text" || return
    rm -rf "$sweepq_parcel.old"
  done
}

# NAME START FOLDER...: prints a tar of what there is of the folders, without its first START bytes, and in a last line "sum
# CHECKSUM BYTES", of all of it. What is not there is said on standard error: "gone FOLDER".
sweepq_hand_out() {
  sweepq_parcel=incoming/$1 sweepq_start=$2
  shift 2
  for sweepq_name in "$@"; do
    shift
    if [ -e "$sweepq_name" ]; then
      set -- "$@" "$sweepq_name"
      sweepq_spare "$sweepq_name"
    else
      echo "gone $sweepq_name" >&2
    fi
  done
  [ $# -gt 0 ] || return 0
  mkdir -p incoming && mkfifo "$sweepq_parcel.pipe" || sweepq_fail "cannot make a pipe in incoming" || return
  cksum <"$sweepq_parcel.pipe" >"$sweepq_parcel.sum" &
  { tar -cf - "$@" && echo whole >"$sweepq_parcel.whole"; } | tee "$sweepq_parcel.pipe" | sweepq_from "$sweepq_start"
  wait
  sweepq_text=
  { read -r sweepq_text <"$sweepq_parcel.sum"; } 2>/dev/null
  sweepq_why=
  [ -s "$sweepq_parcel.whole" ] || sweepq_why="cannot pack all of what is wanted"
  rm -f "$sweepq_parcel.pipe" "$sweepq_parcel.sum" "$sweepq_parcel.whole"
  [ -z "$sweepq_why" ] || return 74
  printf '\nsum %s\n' "$sweepq_text"
}

sweepq_from() {
  if [ "$1" -eq 0 ]; then cat; else tail -c "+$(($1 + 1))"; fi
}

# FOLDER: removes from the work folder of an attempt that has ended the large files that it was given with a bundle and that
# are as they were: they need not come back. Which bundles those are, the file .sweepq-spare says.
sweepq_spare() {
  [ -f "$1/.sweepq-spare" ] || return 0
  while read -r sweepq_id; do
    case $sweepq_id in
    '' | *[!0-9a-f]*) continue ;;
    esac
    sweepq_spare_bundle "$1/work" "${1%/runs/*}/common/$sweepq_id/files" </dev/null
  done <"$1/.sweepq-spare"
}

# WORK FILES
sweepq_spare_bundle() (
  sweepq_work=$(cd -P "$1" 2>/dev/null && pwd -P) || return 0
  # Each in its own folder, which must be where it was: the command may have put a link in its place.
  # shellcheck disable=SC2016
  cd "$2" 2>/dev/null && find . -type f -size +2047 -exec sh -c '
    work=$1 here=$(pwd -P)
    shift
    for file do
      folder=${file%/*} name=${file##*/}
      folder=$work${folder#.}
      cd -P "$folder" 2>/dev/null && [ "$(pwd -P)" = "$folder" ] && [ -f "./$name" ] && ! [ -h "./$name" ] &&
        cmp -s "./$name" "$here/$file" && rm -f "./$name"
    done' sh "$sweepq_work" {} + 2>/dev/null
  return 0
)

# QUEUE: lists what is in the folder of a queue, one a line: "folder PATH" for those of attempts and submissions, which may be
# removed, and "other PATH" for what is none.
sweepq_inventory() {
  for sweepq_path in "$1" "$1/runs"; do
    if [ -h "$sweepq_path" ]; then
      echo "other $sweepq_path"
      return 0
    fi
    [ -d "$sweepq_path" ] || return 0
  done
  for sweepq_parent in "$1"/runs/* "$1"/runs/.[!.]*; do
    if [ -d "$sweepq_parent" ] && ! [ -h "$sweepq_parent" ]; then
      for sweepq_path in "$sweepq_parent"/* "$sweepq_parent"/.[!.]*; do
        if [ -d "$sweepq_path" ] && ! [ -h "$sweepq_path" ]; then
          sweepq_list folder "$sweepq_path"
        else
          sweepq_list other "$sweepq_path"
        fi
      done
    else
      sweepq_list other "$sweepq_parent"
    fi
  done
}

sweepq_list() {
  [ -e "$2" ] || [ -h "$2" ] || return 0
  case $2 in
  *[!A-Za-z0-9._/~-]*) echo "other ${2%/*}/?" ;;
  *) echo "$1 $2" ;;
  esac
}

# FOLDER: removes it with all that is in it, unless it or one above it is a link to somewhere else. Links in it are removed,
# not followed.
sweepq_remove() {
  sweepq_path=$1
  while :; do
    if [ -h "$sweepq_path" ]; then
      echo "$1: $sweepq_path is a link" >&2
      return 75
    fi
    case $sweepq_path in
    */*) sweepq_path=${sweepq_path%/*} ;;
    *) break ;;
    esac
  done
  [ -e "$1" ] || [ -e "$1~" ] || return 0
  if [ -h "$1~" ]; then rm -f "$1~"; fi
  # Under another name first: whoever still looks for the gate must find neither.
  mv -f "$1" "$1~" 2>/dev/null
  rm -rf "$1~" "$1" 2>/dev/null
  if [ -e "$1" ] || [ -e "$1~" ]; then
    echo "$1: cannot be removed" >&2
    return 75
  fi
}
