# shellcheck shell=sh
# The far side of ProjectHost: looks at the copy of a project folder, and takes in what is sent for it. What is known of
# a copy is kept below the root, in projects/.sweepq-state/KEY: the record, whose first line has its generation, and the names of
# what was agreed on. All names are relative, begin with "./" and end with a NUL.

LC_ALL=C
export LC_ALL
unset CDPATH

sweepq_fail() {
  printf '%s\n' "$1" >&2
  exit "${2-74}"
}

# ROOT COPY: goes into the copy, which must be there, and finds its state. Nothing above one's home, and nothing of ours.
sweepq_enter_copy() {
  sweepq_home=$(pwd -P && printf x) || sweepq_fail "cannot tell the home folder"
  sweepq_home=${sweepq_home%?x}
  cd -P "$1" 2>/dev/null || sweepq_fail "cannot enter the folder $1"
  sweepq_root=$PWD
  cd -P "$2" 2>/dev/null || sweepq_fail "cannot enter the folder $2"
  sweepq_copy=$PWD
  for sweepq_path in "$sweepq_home" "$sweepq_root"; do
    case $sweepq_path/ in
    "${sweepq_copy%/}"/*) sweepq_fail "$2 is $sweepq_copy, which holds more than a copy" 77 ;;
    esac
  done
  case $sweepq_copy/ in
  "$sweepq_root/projects/.sweepq-state"/*) sweepq_fail "$2 is no place for a copy" 77 ;;
  "$sweepq_root/projects"/?*) ;;
  "$sweepq_root"/*) sweepq_fail "$2 is no place for a copy" 77 ;;
  esac
  sweepq_key=$(printf %s "$sweepq_copy" | cksum | tr ' ' -)
  sweepq_state=$sweepq_root/projects/.sweepq-state/$sweepq_key
}

sweepq_read_generation() {
  sweepq_found=none
  { read -r sweepq_text sweepq_text sweepq_found <"$sweepq_state/record"; } 2>/dev/null
}

# What changes when a file of those that were agreed on does, in one number: without looking into the files.
sweepq_stamp() {
  if [ -f "$sweepq_state/names" ] && stat -c %z . >/dev/null 2>&1; then
    # shellcheck disable=SC2046
    set -- $({
      TZ=UTC0 xargs -0 stat -c '%n %F %a %s %y %z %i' <"$sweepq_state/names"
      xargs -0 stat -c '%n %F' <"$sweepq_state/folders"
    } 2>&1 | cksum)
    echo "stamp $1-$2"
  else
    echo "stamp none"
  fi
}

# ROOT COPY KNOWN: prints what is known of the copy, the record only if its generation is another than the known one.
sweepq_open() {
  if command -v sha256sum >/dev/null 2>&1 || command -v shasum >/dev/null 2>&1; then
    echo "kind sha256"
  else
    echo "kind cksum"
  fi
  printf 'x\0' | xargs -0 true 2>/dev/null || sweepq_fail "it has no xargs that takes -0" 69
  if ! [ -e "$2" ] && ! [ -h "$2" ]; then
    echo missing
    return 0
  fi
  sweepq_enter_copy "$1" "$2"
  sweepq_stamp
  sweepq_read_generation
  printf '%s\n' "generation $sweepq_found" "path $(printf %s "$sweepq_copy" | od -An -v -tx1 | tr -d ' \n')"
  if [ "$sweepq_found" != none ] && [ "$sweepq_found" != "$3" ]; then
    echo record
    cat "$sweepq_state/record" || exit 74
  fi
}

# ROOT COPY: tells for each name of the standard input what there is, in their order: "f" or "x" for a file, the latter
# executable, with its hash behind it or among the lines between "," and "."; "d", "s", "-" for a folder, something else and nothing;
# "l" for a link, with its target in hexadecimal. Then how many things there are in all that are no folders.
sweepq_look() {
  sweepq_enter_copy "$1" "$2"
  if command -v sha256sum >/dev/null 2>&1; then
    sweepq_sum=sha256sum
  elif command -v shasum >/dev/null 2>&1; then
    sweepq_sum='shasum -a 256'
  else
    sweepq_sum='cksum'
  fi
  sweepq_newline='
'
  sweepq_return=$(printf '\r')
  export sweepq_sum sweepq_newline sweepq_return
  sweepq_stamp
  # shellcheck disable=SC2016
  sweepq_each='
for f do
  shift
  if [ -h "$f" ]; then
    t=$(readlink "$f" && printf x) || exit 1
    t=${t%x}
    t=${t%"$sweepq_newline"}
    printf "l %s\n" "$(printf %s "$t" | od -An -v -tx1 | tr -d " \n")"
  elif [ -d "$f" ]; then
    echo d
  elif [ -f "$f" ]; then
    m=f
    [ ! -x "$f" ] || m=x
    case $f in
    *"$sweepq_newline"* | *"$sweepq_return"* | *\\*)
      h=$($sweepq_sum <"$f") || exit 1
      echo "$m $h" ;;
    *)
      echo $m
      set -- "$@" "$f" ;;
    esac
  elif [ -e "$f" ]; then
    echo s
  else
    echo -
  fi
done
echo ,
[ $# -eq 0 ] || $sweepq_sum "$@" || exit 1
echo .'
  echo names
  case $sweepq_sum in
  cksum) echo 'kind cksum' ;;
  *) echo 'kind sha256' ;;
  esac
  xargs -0 -n 400 sh -c "$sweepq_each" sh || sweepq_fail "some of the files there cannot be read"
  sweepq_count=$(find . -name '.sweepq*' -prune -o ! -name . ! -type d -exec sh -c 'echo $#' sh {} + 2>/dev/null |
    {
      sweepq_count=0
      while read -r sweepq_part; do sweepq_count=$((sweepq_count + sweepq_part)); done
      echo "$sweepq_count"
    })
  echo "all $sweepq_count"
}

# ROOT COPY NAME BYTES SUM KNOWN: takes in a tar of so many bytes with that checksum, if the generation is the known one.
# What it has of ours is in .sweepq-meta: "first", a record that is to stand before anything is changed; "clear", what is to go;
# "made", folders that are to be there; "last", with "names" and "folders", the record for when all is done. Everything else gets
# its place as it is.
sweepq_take() {
  sweepq_new=
  if ! [ -d "$2" ]; then
    sweepq_new=yes
    mkdir -p "$2" 2>/dev/null || sweepq_fail "cannot make the folder $2"
  fi
  sweepq_enter_copy "$1" "$2"
  # What was kept is about one that is no more.
  if [ -n "$sweepq_new" ]; then rm -f "$sweepq_state/record"; fi
  sweepq_read_generation
  [ "$sweepq_found" = "$6" ] || sweepq_fail "somebody else has changed the copy meanwhile" 75
  (umask 077 && mkdir -p "$sweepq_state") || sweepq_fail "cannot make the folder $sweepq_state"
  sweepq_space=$(df -Pk . 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9]*%.*/\1/p')
  if [ -n "$sweepq_space" ] && [ "$sweepq_space" -lt $(($4 * 2 / 1024 + 1)) ]; then
    sweepq_fail "only $sweepq_space KiB are free there, and twice $4 bytes are needed"
  fi
  # What earlier ones have left that were cut short.
  rm -rf ./.sweepq-sync-*
  sweepq_stage=$sweepq_copy/.sweepq-sync-$3
  sweepq_tar=$sweepq_stage/.sweepq-tar
  (umask 077 && mkdir "$sweepq_stage" "$sweepq_stage/new") || sweepq_fail "cannot make a folder in $2"
  sweepq_text=$({ cat >"$sweepq_tar"; } 2>&1) || sweepq_drop "cannot write what was sent: $sweepq_text"
  [ "$(cksum <"$sweepq_tar")" = "$5 $4" ] || sweepq_drop "what was sent has not come whole"
  sweepq_text=$(cd "$sweepq_stage/new" && tar -xof ../.sweepq-tar 2>&1) ||
    sweepq_drop "cannot unpack what was sent: $sweepq_text"
  rm -f "$sweepq_tar"
  sweepq_place "$sweepq_stage/new" "$6"
  rm -rf "$sweepq_stage"
  sweepq_stamp
}

sweepq_drop() {
  rm -rf "$sweepq_stage"
  sweepq_fail "$1"
}

# NEW KNOWN
sweepq_place() {
  sweepq_new=$1 sweepq_meta=$1/.sweepq-meta sweepq_known=$2
  if [ -f "$sweepq_meta/first" ]; then
    sweepq_install first record
    sweepq_read_generation
    sweepq_known=$sweepq_found
  fi
  export sweepq_new sweepq_copy sweepq_state sweepq_known
  # Into the folder of one of ours, and nowhere else, whatever links there are.
  # shellcheck disable=SC2016
  sweepq_inside='
enter() {
  read -r a a found <"$sweepq_state/record" && [ "$found" = "$sweepq_known" ] || {
    echo "somebody else has changed the copy meanwhile" >&2
    exit 1
  }
  if [ "$1" = . ]; then p=$sweepq_copy; else p=$sweepq_copy/${1#./}; fi
  if ! [ -e "$p" ] && ! [ -h "$p" ] && [ -n "$2" ]; then mkdir "$p" || exit 1; fi
  cd -P "$p" 2>/dev/null && [ "$PWD" = "$p" ]
}'
  # shellcheck disable=SC2016
  sweepq_clear=$sweepq_inside'
for f do
  enter "${f%/*}" "" || continue
  n=./${f##*/}
  if [ -d "$n" ] && ! [ -h "$n" ]; then rmdir "$n" 2>/dev/null; else rm -f "$n" || exit 1; fi
done
exit 0'
  # shellcheck disable=SC2016
  sweepq_move=$sweepq_inside'
for d do
  enter "$d" make || {
    echo "$p is no folder there, or leads elsewhere" >&2
    exit 1
  }
  set --
  for f in "$sweepq_new/$d"/* "$sweepq_new/$d"/.[!.]* "$sweepq_new/$d"/..?*; do
    [ -h "$f" ] || [ -f "$f" ] || continue
    if [ -d "./${f##*/}" ] && ! [ -h "./${f##*/}" ]; then
      echo "$p/${f##*/} is a folder there" >&2
      exit 1
    fi
    set -- "$@" "$f"
    if [ $# -ge 100 ]; then
      mv -f "$@" . || exit 1
      set --
    fi
  done
  [ $# -eq 0 ] || mv -f "$@" . || exit 1
done
exit 0'
  if [ -s "$sweepq_meta/clear" ]; then
    sweepq_text=$(xargs -0 sh -c "$sweepq_clear" sh <"$sweepq_meta/clear" 2>&1) ||
      sweepq_drop "cannot remove what is not here any more: $sweepq_text"
  fi
  if [ -s "$sweepq_meta/made" ]; then
    sweepq_text=$(cd "$sweepq_new" && xargs -0 mkdir -p <.sweepq-meta/made 2>&1) ||
      sweepq_drop "cannot make folders: $sweepq_text"
  fi
  sweepq_text=$(cd "$sweepq_new" && find . -name .sweepq-meta -prune -o -type d -exec sh -c "$sweepq_move" sh {} + 2>&1) ||
    sweepq_drop "cannot put in place what was sent: $sweepq_text"
  if [ -f "$sweepq_meta/last" ]; then
    sweepq_read_generation
    [ "$sweepq_found" = "$sweepq_known" ] || sweepq_drop "somebody else has changed the copy meanwhile"
    sweepq_install names names
    sweepq_install folders folders
    sweepq_install last record
  fi
}

# NAME FINAL: the state may be on another disk, where a file must not get its name before it is whole.
sweepq_install() {
  (umask 077 && cp "$sweepq_meta/$1" "$sweepq_state/.new-$1" && cmp -s "$sweepq_meta/$1" "$sweepq_state/.new-$1" &&
    mv -f "$sweepq_state/.new-$1" "$sweepq_state/$2") || sweepq_drop "cannot write $sweepq_state/$2"
}

# ROOT COPY NAME: hands out the files, links and folders that the standard input names, below incoming/NAME.give.
sweepq_give() {
  sweepq_enter_copy "$1" "$2"
  sweepq_stage=$sweepq_root/incoming/$3.give
  mkdir -p "$sweepq_stage" || sweepq_fail "cannot make the folder $sweepq_stage"
  export sweepq_stage
  # shellcheck disable=SC2016
  sweepq_text=$(xargs -0 sh -c '
for f do
  mkdir -p "$sweepq_stage/${f%/*}" || exit 1
  if [ -d "$f" ] && ! [ -h "$f" ]; then
    mkdir -p "$sweepq_stage/$f" || exit 1
  else
    cp -pP "$f" "$sweepq_stage/$f" || exit 1
  fi
done' sh 2>&1) || sweepq_drop "cannot copy what is wanted: $sweepq_text"
  cd "$sweepq_root" || exit 74
  sweepq_why=
  sweepq_hand_out "$3" 0 "incoming/$3.give" || sweepq_drop "$sweepq_why"
  rm -rf "$sweepq_stage"
}
