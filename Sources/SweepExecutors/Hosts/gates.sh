# shellcheck shell=sh
# Looks at many gates, forbids starts and puts up fences: the far side of GateSurvey. What is to be done comes on standard
# input, one line an attempt,
#
#   NUMBER look|forbid|cancel|given-up TOKEN FOLDER TIME .
#
# and a last line "all COUNT .", without which nothing is done. FOLDER is below the root, in plain characters. For each the
# answer is a line "@NUMBER STATE", where STATE is
#
#   gone      there is no folder
#   none      there is a folder without a gate
#   gate      there is a gate, whose lines follow: each after ":", or "~" for a last one without its newline
#   trouble TEXT
#
# a line "since SECONDS" (its age) after a gate without a whole line, and for one with an exit record what "ls -nAR" says.

# Bytes, whatever the user's language; and messages that are read.
LC_ALL=C
export LC_ALL
umask 077

# ROOT IDENTITY: the folder that all is in, which must be the one that it was.
sweepq_survey() {
  cd "$1" 2>/dev/null || {
    echo "cannot enter the folder $1" >&2
    return 75
  }
  if [ -n "$2" ]; then
    sweepq_text=
    { read -r sweepq_text <identity; } 2>/dev/null
    if [ "$sweepq_text" != "$2" ]; then
      echo "the folder $1 is not the one that it was" >&2
      return 76
    fi
  fi
  sweepq_list=$(cat)
  sweepq_newline='
'
  sweepq_count=${sweepq_list##*"$sweepq_newline"}
  set -f
  IFS=$sweepq_newline
  # shellcheck disable=SC2086
  set -- $sweepq_list
  unset IFS
  if [ "$sweepq_count" != "all $(($# - 1)) ." ]; then
    echo "the list of attempts has not come whole" >&2
    return 77
  fi
  for sweepq_line in "$@"; do
    case $sweepq_line in
    all*) ;;
    *)
      # shellcheck disable=SC2086
      sweepq_one $sweepq_line
      ;;
    esac
  done
}

# NUMBER ACTION TOKEN FOLDER TIME .
sweepq_one() {
  sweepq_trouble=
  case $2 in
  forbid) sweepq_forbid "$3" "$4" "$5" ;;
  cancel | given-up) sweepq_fence "$2" "$4" "$5" ;;
  esac
  if [ -n "$sweepq_trouble" ]; then
    echo "@$1 trouble $sweepq_trouble"
  elif sweepq_has "$4" gate; then
    if [ -f "$4/gate" ] && { true <"$4/gate"; } 2>/dev/null; then
      echo "@$1 gate"
      sweepq_show "$4"
    elif [ -d "$4" ]; then
      echo "@$1 trouble cannot read $4/gate"
    else
      echo "@$1 gone"
    fi
  elif [ -d "$4" ] && [ -r "$4" ] && [ -x "$4" ]; then
    echo "@$1 none"
  elif [ -e "$4" ] || [ -h "$4" ]; then
    echo "@$1 trouble cannot look into $4"
  elif sweepq_is_gone "$4"; then
    echo "@$1 gone"
  else
    echo "@$1 trouble cannot look for $4"
  fi
}

# A name that is not found under a folder that cannot be searched is not gone.
sweepq_is_gone() {
  sweepq_path=$1
  while :; do
    case $sweepq_path in
    */*) sweepq_path=${sweepq_path%/*} ;;
    *) return 0 ;;
    esac
    if [ -d "$sweepq_path" ]; then
      [ -r "$sweepq_path" ] && [ -x "$sweepq_path" ]
      return
    fi
    if [ -e "$sweepq_path" ] || [ -h "$sweepq_path" ]; then return 1; fi
  done
}

# Whether NAME is in FOLDER: listed, since a network filesystem remembers that it did not find a name.
sweepq_has() {
  set +f
  for sweepq_name in "$1/$2"*; do
    if [ "$sweepq_name" = "$1/$2" ] && [ -e "$sweepq_name" ]; then
      set -f
      return 0
    fi
  done
  set -f
  return 1
}

sweepq_show() {
  sweepq_lines=0 sweepq_whole='' sweepq_exit=''
  while IFS= read -r sweepq_text; do
    printf ':%s\n' "$sweepq_text"
    sweepq_lines=$((sweepq_lines + 1))
    case $sweepq_text in
    'exit '*' .') sweepq_exit=yes sweepq_whole=yes ;;
    *' .') sweepq_whole=yes ;;
    esac
    sweepq_text=
    # Of ours none has as many.
    if [ $sweepq_lines -ge 200 ]; then break; fi
  done <"$1/gate"
  if [ -n "$sweepq_text" ]; then printf '~%s\n' "$sweepq_text"; fi
  if [ -z "$sweepq_whole" ]; then
    sweepq_changed=$(date -r "$1/gate" +%s 2>/dev/null || stat -c %Y "$1/gate" 2>/dev/null)
    sweepq_now=$(date +%s)
    case $sweepq_changed in
    '' | *[!0-9]*) echo "since 0" ;;
    *) echo "since $((sweepq_now - sweepq_changed))" ;;
    esac
  fi
  if [ -n "$sweepq_exit" ]; then ls -nAqR "$1" 2>/dev/null || ls -nAR "$1" 2>/dev/null; fi
}

# TOKEN FOLDER TIME: takes the gate for ever, if it is to be had. Also where there is no folder yet, since one may still be on
# its way here: what is in its place when it comes stays.
sweepq_forbid() {
  if ! [ -d "$2" ] && ! mkdir -p "$2" 2>/dev/null; then
    sweepq_trouble="cannot make the folder $2"
    return 0
  fi
  # What is no file would not be refused by the shell, either.
  if sweepq_has "$2" gate; then return 0; fi
  sweepq_text="void v=1 token=$1 at=$3 ." sweepq_draft=$2/.sweepq-gate-$$ sweepq_read=''
  # Complete when it appears: whoever made it and could not fill it would leave a gate that says nothing, to nobody.
  { echo "$sweepq_text" >|"$sweepq_draft"; } 2>/dev/null
  # A disk may turn out to be full only when the file is closed, which no shell reports.
  { IFS= read -r sweepq_read <"$sweepq_draft"; } 2>/dev/null
  if [ "$sweepq_read" != "$sweepq_text" ]; then
    if [ -d "$2" ]; then sweepq_trouble="cannot write $2/gate"; fi
  elif ! ln "$sweepq_draft" "$2/gate" 2>/dev/null && ! sweepq_has "$2" gate; then
    sweepq_create "$2" "$sweepq_text"
  fi
  rm -f "$sweepq_draft"
}

# FOLDER TEXT: where files have no second names.
sweepq_create() {
  sweepq_opened='' sweepq_read=''
  set -C
  { { sweepq_opened=yes && echo "$2"; } >"$1/gate"; } 2>/dev/null
  set +C
  if [ -z "$sweepq_opened" ]; then
    if ! sweepq_has "$1" gate && [ -d "$1" ]; then sweepq_trouble="cannot create $1/gate"; fi
    return 0
  fi
  { IFS= read -r sweepq_read <"$1/gate"; } 2>/dev/null && [ "$sweepq_read" = "$2" ] ||
    sweepq_trouble="cannot write $1/gate"
}

# KIND FOLDER TIME: tells the runner to end its command.
sweepq_fence() {
  [ -d "$2" ] || return 0
  sweepq_text="$1 at=$3" sweepq_draft=$2/.sweepq-fence-$$
  sweepq_read=''
  { echo "$sweepq_text" >|"$sweepq_draft"; } 2>/dev/null
  { IFS= read -r sweepq_read <"$sweepq_draft"; } 2>/dev/null
  if [ "$sweepq_read" = "$sweepq_text" ] && mv -f "$sweepq_draft" "$2/fence" 2>/dev/null; then return 0; fi
  rm -f "$sweepq_draft"
  if [ -d "$2" ]; then sweepq_trouble="cannot write $2/fence"; fi
}
