# shellcheck shell=sh
# Tells whether jobs can run here, in lines NAME=VALUE: what there is to spare (measure.sh), "trouble=SENTENCE", and for each
# check "check=NUMBER CODE LAST LINE". The last line of all is "whole=yes".

LC_ALL=C
export LC_ALL
umask 077

# ROOT WORKDIR SECONDS CHECK...: checks are run in WORKDIR if it is there, or where this began, each for so many SECONDS at
# most.
sweepq_health() {
  sweepq_home=$(pwd) sweepq_workdir=$2 sweepq_seconds=$3
  sweepq_try "$1"
  shift 3
  sweepq_gpus
  cd "$sweepq_home" || return
  if [ -n "$sweepq_workdir" ]; then cd "$sweepq_workdir" 2>/dev/null || :; fi
  sweepq_number=0
  for sweepq_line in "$@"; do
    sweepq_number=$((sweepq_number + 1))
    sweepq_check "$sweepq_line"
  done
  echo "whole=yes"
}

# FOLDER: whether something can be written there.
sweepq_try() {
  if ! [ -d "$1" ] && ! mkdir -p "$1" 2>/dev/null; then
    echo "trouble=cannot make the folder $1"
  elif ! cd "$1" 2>/dev/null; then
    echo "trouble=cannot enter the folder $1"
  else
    sweepq_measure
    sweepq_text='' sweepq_draft=.sweepq-try-$$
    { echo works >"$sweepq_draft"; } 2>/dev/null
    { read -r sweepq_text <"$sweepq_draft"; } 2>/dev/null
    rm -f "$sweepq_draft"
    [ "$sweepq_text" = works ] || echo "trouble=cannot write in the folder $(pwd)"
  fi
}

# LINE
sweepq_check() {
  if timeout -k 1 5 true >/dev/null 2>&1; then
    sweepq_said=$(timeout -k 2 "$sweepq_seconds" sh -c "$1" </dev/null 2>&1)
    sweepq_code=$?
  else
    sweepq_said=$(sweepq_watched "$1")
    sweepq_code=${sweepq_said##*ended }
    sweepq_said=${sweepq_said%ended *}
  fi
  sweepq_said=$(printf '%s\n' "$sweepq_said" | sed '/^[[:space:]]*$/d' | tail -n 1 | cut -c 1-200 | tr -d '\r')
  echo "check=$sweepq_number $sweepq_code $sweepq_said"
}

# LINE: the same without timeout(1); its last word is how it ended.
sweepq_watched() {
  sh -c "$1" </dev/null 2>&1 &
  sweepq_pid=$!
  {
    sleep "$sweepq_seconds"
    kill -s KILL "$sweepq_pid"
  } >/dev/null 2>&1 &
  sweepq_watcher=$!
  wait "$sweepq_pid"
  sweepq_code=$?
  kill -s KILL "$sweepq_watcher" 2>/dev/null
  echo
  echo "ended $sweepq_code"
}
