# shellcheck shell=sh
# Runs one command with a time limit and says at last, in a line of its own, how it ended: "exit CODE", "timeout", or
# "cannot SENTENCE" when it was not started at all.

sweepq_cannot() {
  printf '\ncannot %s\n' "$(printf '%s' "$1" | tr '\n' ' ')"
  exit 0
}

# NAME: if it is not to be found, takes over what a login sets, since some hosts tell only there where a scheduler is.
sweepq_log_in() {
  if command -v "$1" >/dev/null 2>&1; then return; fi
  sweepq_text=$("${SHELL:-sh}" -lc 'exec sh -c "echo sweepq login; export -p"' </dev/null 2>/dev/null)
  sweepq_text=${sweepq_text#*sweepq login}
  case $sweepq_text in
  *PATH=*) eval "$sweepq_text" ;;
  esac
}

# PREFIXES KEPT: unsets what begins with one of the prefixes and is none of the kept; all are words in one.
sweepq_clear() {
  sweepq_names=$(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p')
  for sweepq_name in $sweepq_names; do
    case " $2 " in
    *" $sweepq_name "*) continue ;;
    esac
    for sweepq_prefix in $1; do
      case $sweepq_name in
      "$sweepq_prefix"*) unset "$sweepq_name" ;;
      esac
    done
  done
}

# SECONDS NAME: runs sweepq_command, which executes NAME, with what sweepq_input prints.
sweepq_run() {
  command -v "$2" >/dev/null 2>&1 || sweepq_cannot "command not found: $2"
  sweepq_begun=$(date +%s)
  sweepq_input | sweepq_command &
  sweepq_pid=$!
  sweepq_watch "$1" </dev/null >/dev/null 2>&1 &
  sweepq_watcher=$!
  { wait "$sweepq_pid"; } 2>/dev/null
  sweepq_status=$?
  # It is not waited for: in mksh and posh that may take for ever.
  kill -s TERM "$sweepq_watcher" 2>/dev/null
  case $((sweepq_status % 128)) in
  9 | 15)
    if [ "$sweepq_status" -gt 128 ] && [ $(($(date +%s) - sweepq_begun)) -ge "$1" ]; then
      printf '\ntimeout\n'
      exit 0
    fi
    ;;
  esac
  printf '\nexit %s\n' "$sweepq_status"
  exit 0
}

# Ends the command after SECONDS. It outlives the command by one nap at most, also where a signal is lost, and mostly not
# at all.
sweepq_watch() {
  # By force, since a process that has just been forked does not yet heed anything else.
  trap '[ "$!" = "$sweepq_pid" ] || kill -s KILL "$!"; exit 0' TERM
  sweepq_left=$1
  while [ "$sweepq_left" -gt 0 ]; do
    sweepq_nap=5
    if [ "$sweepq_left" -lt 5 ]; then sweepq_nap=$sweepq_left; fi
    sleep "$sweepq_nap" &
    wait "$!"
    kill -0 "$sweepq_pid" || exit 0
    sweepq_left=$((sweepq_left - sweepq_nap))
  done
  trap '' TERM
  kill -s TERM "$sweepq_pid" || exit 0
  sleep 2
  kill -s KILL "$sweepq_pid"
}
