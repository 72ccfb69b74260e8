# shellcheck shell=sh
# Takes bundles in: files that come to a host once and are copied for every attempt that needs them. The far side of
# BundleUpload; goes after parcels.sh, in the root. A bundle is the folder QUEUE/common/ID, where ID is its hash; it has that name
# when all of it is in it, and loses it before anything of it is removed.

# QUEUE ID: says "there", or "part BYTES": so many of it have come.
sweepq_bundle_state() {
  if [ -d "$1/common/$2/files" ]; then
    touch -c "$1/common/$2"
    echo there
    return
  fi
  sweepq_text=0
  if [ -f "incoming/$2.part" ]; then sweepq_text=$(wc -c <"incoming/$2.part"); fi
  echo "part $((sweepq_text))"
}

# ID BLOCKS BYTES: takes the standard input as what follows after so many blocks of 64 KiB, of BYTES in all. Who sends the same
# again writes the same at the same place, so that several may do so at a time. Says how much there is then, as above.
sweepq_bundle_piece() {
  mkdir -p incoming || sweepq_fail "cannot make the folder incoming" || return
  # What is to come, and what is unpacked from all of it.
  sweepq_needs_room $(($3 * 2 - $2 * 65536)) || return
  sweepq_text=0
  if [ -f "incoming/$1.part" ]; then sweepq_text=$(wc -c <"incoming/$1.part"); fi
  [ "$((sweepq_text))" -ge "$(($2 * 65536))" ] || sweepq_fail "what was sent before is not there any more" || return
  sweepq_text=$(dd "of=incoming/$1.part" bs=65536 "seek=$2" conv=notrunc 2>&1) ||
    sweepq_fail "cannot write what was sent: $sweepq_text" || return
  echo "part $(($(wc -c <"incoming/$1.part")))"
}

# QUEUE ID BYTES SUM NEW: verifies what has come, and makes the bundle of it. SUM is that of cksum(1), for hosts that have
# nothing better.
sweepq_bundle_finish() {
  if [ -d "$1/common/$2/files" ]; then return 0; fi
  sweepq_part=incoming/$2.part sweepq_new=incoming/$5
  if ! sweepq_is_whole "$sweepq_part" "$2" "$3" "$4"; then
    rm -f "$sweepq_part"
    sweepq_fail "what was sent has not come whole"
    return
  fi
  sweepq_needs_room "$3" || return
  if ! sweepq_text=$(mkdir "$sweepq_new" "$sweepq_new/files" 2>&1 && cd "$sweepq_new/files" &&
    tar -xof "../../$2.part" 2>&1); then
    rm -rf "$sweepq_new"
    sweepq_fail "cannot unpack what was sent: $sweepq_text"
    return
  fi
  # One that a person has emptied.
  if [ -e "$1/common/$2" ] && ! [ -e "$1/common/$2/files" ]; then mv -f "$1/common/$2" "$sweepq_new.old"; fi
  if ! [ -e "$1/common/$2" ] &&
    ! sweepq_text=$(mkdir -p "$1/common" 2>&1 && mv -f "$sweepq_new" "$1/common/$2" 2>&1); then
    rm -rf "$sweepq_new"
    sweepq_fail "cannot put in place what was sent: $sweepq_text"
    return
  fi
  # Another's may have been put there at the same moment: then this one is in it.
  rm -rf "$sweepq_part" "$sweepq_new" "$sweepq_new.old" "$1/common/$2/$5"
}

# FILE SHA256 BYTES SUM
sweepq_is_whole() {
  [ -f "$1" ] && [ "$(($(wc -c <"$1")))" -eq "$3" ] || return 1
  if command -v sha256sum >/dev/null 2>&1; then
    sweepq_text=$(sha256sum <"$1")
  elif command -v shasum >/dev/null 2>&1; then
    sweepq_text=$(shasum -a 256 <"$1")
  else
    [ "$(cksum <"$1")" = "$4 $3" ]
    return
  fi
  [ "${sweepq_text%% *}" = "$2" ]
}

# QUEUE ID ATTEMPT: copies the bundle into the work folder of an attempt that has been unpacked, unless its like is in its
# place already.
sweepq_bundle_copy() {
  if [ -e "$1/$3" ]; then return 0; fi
  touch -c "$1/common/$2" 2>/dev/null
  if [ -z "${sweepq_cp-}" ]; then
    # Some filesystems only note what is shared.
    case $(cp --help 2>&1) in
    *--reflink*) sweepq_cp=--reflink=auto ;;
    *) sweepq_cp=-p ;;
    esac
  fi
  # shellcheck disable=SC2154
  if ! sweepq_text=$(cp "$sweepq_cp" -pPR "$1/common/$2/files/." "$sweepq_parcel/$3/work/" 2>&1); then
    sweepq_discard
    sweepq_fail "cannot copy the files that jobs have in common: $sweepq_text"
    return
  fi
  # What still has its name was whole until now.
  if ! [ -d "$1/common/$2/files" ]; then
    sweepq_discard
    sweepq_fail "the files that jobs have in common are not there any more"
  fi
}

# QUEUE: says which bundles there are, and whether they were used within a day.
sweepq_bundle_inventory() {
  [ -d "$1/common" ] && ! [ -h "$1/common" ] || return 0
  for sweepq_path in "$1"/common/* "$1"/common/.[!.]*; do
    sweepq_name=${sweepq_path##*/}
    case ${sweepq_name%"~"} in
    *[!0-9a-f]*) sweepq_list other "$sweepq_path" ;;
    *)
      if [ -h "$sweepq_path" ] || ! [ -d "$sweepq_path" ]; then
        sweepq_list other "$sweepq_path"
      elif [ -n "$(find "$sweepq_path" -prune -mtime +0)" ]; then
        sweepq_list unused "$sweepq_path"
      else
        sweepq_list recent "$sweepq_path"
      fi
      ;;
    esac
  done
}
