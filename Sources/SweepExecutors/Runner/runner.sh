# shellcheck shell=sh
# The runner: functions for a submission script, in plain POSIX shell. They need nothing installed where they run, and
# change nothing of the scheduler's environment.
#
#   sweepq_run FOLDER TOKEN                    runs one attempt
#   sweepq_task FOLDER INDEX COUNT PARALLEL    runs the INDEX-th COUNT lines of FOLDER/tasks
#
# Variables of the caller's that they heed: SWEEPQ_WATCH, seconds between two looks for a fence (60); SWEEPQ_PATIENCE,
# seconds to wait for an order that is not to be seen yet (10).

# The signal that asked for the end, if one did.
sweepq_stop=''
# What date(1) has said, and when: see sweepq_clock.
sweepq_date=''

# Returns the command's exit code; 0 if another copy has the attempt or its folder is gone; 73, with sweepq_unable set
# and a sentence on stderr, if nothing could be started; 143 if the end was asked for before the start.
sweepq_run() {
  sweepq_folder=$1 sweepq_token=$2
  sweepq_unable='' sweepq_command='' sweepq_owed='' sweepq_told=''
  [ -z "$sweepq_stop" ] || return 143
  # Not entered: a folder that is being removed is renamed first, so the gate's path must lead to it anew.
  [ -d "$sweepq_folder" ] || return 0
  if sweepq_has gate; then return 0; fi
  sweepq_read_order || return 73
  sweepq_catch sweepq_pass_on
  sweepq_introduce
  sweepq_take_gate
  sweepq_result=$?
  if [ $sweepq_result -eq 0 ]; then
    sweepq_start_command
    sweepq_result=$?
  elif [ $sweepq_result -eq 1 ]; then
    sweepq_result=0
  fi
  trap - TERM INT HUP XCPU USR1 USR2
  return $sweepq_result
}

# FUNCTION is called with the signal that is to be passed on. A hang-up and the limit of CPU time ask for the end.
sweepq_catch() {
  # shellcheck disable=SC2064
  trap "$1 TERM" TERM INT HUP XCPU
  # shellcheck disable=SC2064
  trap "$1 USR1" USR1
  # shellcheck disable=SC2064
  trap "$1 USR2" USR2
}

sweepq_complain() {
  echo "sweepq: $1" >&2
  sweepq_unable=yes
}

# Whether NAME is in the folder: listed, since a network filesystem remembers that it did not find a name.
sweepq_has() {
  for sweepq_name in "$sweepq_folder/$1"*; do
    if [ "$sweepq_name" = "$sweepq_folder/$1" ]; then return 0; fi
  done
  return 1
}

# The order's first line says what the runner itself must know: "# sweepq order limit=SECONDS grace=SECONDS".
sweepq_read_order() {
  sweepq_tries=${SWEEPQ_PATIENCE:-10}
  until sweepq_has order && { read -r sweepq_text <"$sweepq_folder/order"; } 2>/dev/null; do
    if [ "$sweepq_tries" -le 0 ]; then
      [ -d "$sweepq_folder" ] || return 0
      sweepq_complain "there is no readable order in $sweepq_folder"
      return 73
    fi
    sweepq_tries=$((sweepq_tries - 1))
    sleep 1
  done
  sweepq_limit='' sweepq_grace=10
  for sweepq_word in $sweepq_text; do
    case $sweepq_word in
    limit=*) sweepq_limit=${sweepq_word#*=} ;;
    grace=*) sweepq_grace=${sweepq_word#*=} ;;
    esac
  done
}

# The start line: who starts the attempt, where and when.
sweepq_introduce() {
  sweepq_clock
  sweepq_at=$sweepq_now sweepq_since=$sweepq_passed
  sweepq_look_at self || sweepq_pid=$$
  sweepq_user_0=$sweepq_user sweepq_system_0=$sweepq_system
  { read -r sweepq_host </proc/sys/kernel/hostname; } 2>/dev/null || sweepq_host=$(uname -n)
  { read -r sweepq_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || sweepq_boot=unknown
  if [ -n "${SLURM_ARRAY_JOB_ID-}" ]; then
    sweepq_job=${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID-}
  elif [ -n "${SLURM_JOB_ID-}" ]; then
    sweepq_job=$SLURM_JOB_ID
  elif [ -n "${PBS_JOBID-}" ]; then
    sweepq_job=$PBS_JOBID
  elif [ -n "${LSB_JOBID-}" ]; then
    sweepq_job=$LSB_JOBID
    [ "${LSB_JOBINDEX:-0}" = 0 ] || sweepq_job="${LSB_JOBID}[$LSB_JOBINDEX]"
  elif [ -n "${JOB_ID-}" ] && [ -n "${SGE_TASK_ID-}" ]; then
    sweepq_job=$JOB_ID
    [ "$SGE_TASK_ID" = undefined ] || sweepq_job=$JOB_ID.$SGE_TASK_ID
  else
    sweepq_job=''
  fi
  sweepq_escape "$sweepq_host"
  sweepq_start="start v=1 token=$sweepq_token host=$sweepq_escaped boot=$sweepq_boot at=$sweepq_at supervisor=$sweepq_pid"
  if [ -n "$sweepq_job" ]; then
    sweepq_escape "$sweepq_job"
    sweepq_start="$sweepq_start job=$sweepq_escaped"
  fi
  sweepq_start="$sweepq_start ."
}

# Returns 0 if the attempt is ours, 1 if it is not to be had, 73 if the gate cannot be made.
sweepq_take_gate() {
  sweepq_opened=''
  set -C
  { { sweepq_opened=yes && echo "$sweepq_start"; } >"$sweepq_folder/gate"; } 2>/dev/null
  set +C
  if [ -z "$sweepq_opened" ]; then
    if sweepq_has gate || [ -e "$sweepq_folder/gate" ] || ! [ -d "$sweepq_folder" ]; then return 1; fi
    sweepq_complain "cannot create the gate in $sweepq_folder"
    return 73
  fi
  # A disk may turn out to be full only when the file is closed, which no shell reports.
  sweepq_read_gate
  if [ -z "$sweepq_ours" ]; then
    sweepq_complain "cannot write the gate in $sweepq_folder; the attempt is not started"
    return 73
  fi
}

# Whether the gate is of our making, and when the command's process was born, if the gate says that it was started.
sweepq_read_gate() {
  sweepq_ours='' sweepq_started='' sweepq_born=''
  {
    while read -r sweepq_text; do
      case $sweepq_text in
      "$sweepq_start") sweepq_ours=yes ;;
      "pid token=$sweepq_token "*" .")
        sweepq_started=yes
        sweepq_born=${sweepq_text##* born=}
        sweepq_born=${sweepq_born%% *}
        ;;
      esac
    done <"$sweepq_folder/gate"
  } 2>/dev/null
}

# Adds a line to the gate, but makes no new file.
sweepq_append() {
  [ -f "$sweepq_folder/gate" ] && { echo "$1" >>"$sweepq_folder/gate"; } 2>/dev/null
}

# From the gate to the exit record; returns the command's exit code.
sweepq_start_command() {
  if [ -n "$sweepq_told" ]; then
    sweepq_why=term sweepq_code=143 sweepq_user=0 sweepq_system=0
    sweepq_conclude
    return 143
  fi
  (sweepq_become_command) &
  sweepq_command=$!
  # What arrived before the command had a number.
  if [ -n "$sweepq_owed" ]; then (sweepq_signal "$sweepq_owed"); fi
  (sweepq_watch) &
  sweepq_watcher=$!
  sweepq_await "$sweepq_command"
  sweepq_code=$sweepq_status sweepq_why=${sweepq_told:-own}
  kill -s VTALRM "$sweepq_watcher" 2>/dev/null
  sweepq_look_at self
  sweepq_user=$((sweepq_user - sweepq_user_0)) sweepq_system=$((sweepq_system - sweepq_system_0))
  # In mksh and posh a signal is lost that arrives just before a wait begins.
  kill -s VTALRM "$sweepq_watcher" 2>/dev/null
  sweepq_await "$sweepq_watcher"
  case $sweepq_status in
  11) sweepq_why='time' ;;
  12) sweepq_why=cancel ;;
  esac
  sweepq_read_fence
  case $sweepq_fence in
  '') sweepq_conclude ;;
  cancel)
    [ "$sweepq_why" != term ] || sweepq_why=cancel
    sweepq_conclude
    ;;
  # Given up: the end of this attempt is no longer anybody's to record.
  *) [ "$sweepq_code" -le 255 ] || sweepq_code=143 ;;
  esac
  return "$sweepq_code"
}

# What the command's process does until it is the command.
sweepq_become_command() {
  trap - TERM INT HUP XCPU USR1 USR2
  sweepq_opened=''
  {
    sweepq_opened=yes
    # shellcheck source=/dev/null
    . "$sweepq_folder/order"
    exit 126
  } </dev/null >>"$sweepq_folder/stdout" 2>>"$sweepq_folder/stderr"
  # shellcheck disable=SC2317
  [ -n "$sweepq_opened" ] || sweepq_withdraw "cannot open stdout and stderr in $sweepq_folder"
}

# Four functions for the order. SENTENCE [CODE]: the command cannot be started as it is.
sweepq_refuse() {
  sweepq_note "$1"
  exit "${2:-126}"
}

# FOLDER becomes the working directory.
sweepq_enter() {
  [ -e "$1" ] || sweepq_refuse "the working directory does not exist: $1"
  cd "$1" || sweepq_refuse "cannot open the working directory $1"
}

# LINE is about to be run; what is noted counts only if the command never starts.
sweepq_set_up() {
  sweepq_note "this set-up line has ended the shell: $1"
}

# FILE becomes the standard input.
sweepq_read_from() {
  if [ -d "$1" ]; then sweepq_refuse "the standard input $1 is a folder"; fi
  if ! [ -e "$1" ]; then sweepq_refuse "cannot open the standard input $1: no such file"; fi
  if ! [ -r "$1" ]; then sweepq_refuse "cannot open the standard input $1: permission denied"; fi
  exec <"$1" || sweepq_refuse "cannot open the standard input $1"
}

# PROGRAM is about to be executed: it is looked for as the shell will do, and the gate told that set-up is over.
sweepq_ready() {
  sweepq_find "$1"
  if sweepq_look_at self; then
    sweepq_line="pid token=$sweepq_token pid=$sweepq_pid born=$sweepq_birth ."
  else
    sweepq_line="pid token=$sweepq_token born= ."
  fi
  sweepq_append "$sweepq_line" || sweepq_withdraw "cannot write the gate in $sweepq_folder"
}

sweepq_find() {
  sweepq_reason="command not found: $1"
  case $1 in
  '') sweepq_refuse 'the command is empty' ;;
  */*) if sweepq_can_run "$1"; then return 0; fi ;;
  *)
    # As execvp(3) has it; what is not exported the command does not see.
    [ -n "${PATH+set}" ] || PATH=/bin:/usr/bin
    sweepq_rest=$PATH:
    while [ -n "$sweepq_rest" ]; do
      sweepq_word=${sweepq_rest%%:*} sweepq_rest=${sweepq_rest#*:}
      if sweepq_can_run "${sweepq_word:-.}/$1"; then return 0; fi
    done
    ;;
  esac
  case $sweepq_reason in
  command*) sweepq_refuse "$sweepq_reason" 127 ;;
  *) sweepq_refuse "$sweepq_reason" 126 ;;
  esac
}

sweepq_can_run() {
  if [ -d "$1" ]; then
    sweepq_reason="not executable: $1 (it is a folder)"
  elif [ -x "$1" ]; then
    # For the order.
    # shellcheck disable=SC2034
    sweepq_program=$1
    return 0
  elif [ -e "$1" ]; then
    sweepq_reason="not executable: $1 (permission denied)"
  fi
  return 1
}

# The system's fault, not the command's: the attempt is void.
sweepq_withdraw() {
  sweepq_note "!$1"
  exit 73
}

sweepq_note() {
  printf '%s\n' "$1" >|"$sweepq_folder/launch"
}

# A signal for the runner. It may come anywhere, so no variable that is in use elsewhere may change here.
sweepq_pass_on() {
  sweepq_woken=yes sweepq_told=term
  # One request to end is enough, however many a scheduler sends.
  if [ "$1" = TERM ] && [ "$sweepq_stop" = TERM ]; then return; fi
  sweepq_stop=$1
  if [ -n "$sweepq_command" ]; then
    (sweepq_signal "$1")
  else
    sweepq_owed=$1
  fi
}

# Waits for the end of a child of ours, whatever signals come meanwhile; sweepq_status says how it ended.
sweepq_await() {
  sweepq_woken=''
  { wait "$1"; } 2>/dev/null
  sweepq_status=$?
  while [ -n "$sweepq_woken" ]; do
    sweepq_woken=''
    { wait "$1"; } 2>/dev/null
    sweepq_again=$?
    # 127: the last wait was the one that told.
    [ $sweepq_again -eq 127 ] || sweepq_status=$sweepq_again
  done
}

# Ends the command for a fence or the time limit: a process of its own, which exits with 11 when the time is over, 12 at
# a cancel, 13 when the attempt is given up. SIGVTALRM, which nobody else sends, tells it that the command has ended. Its
# sleep ends with it, and what signals are sent to all processes of a job do not end its watch.
sweepq_watch() {
  sweepq_verdict=0 sweepq_asleep='' sweepq_roused='' sweepq_before=$!
  # Here, since yash would make two processes of a subshell with redirections.
  exec </dev/null >/dev/null 2>&1
  trap sweepq_wake VTALRM
  trap : TERM INT HUP XCPU USR1 USR2
  # From a second upwards, so that it never lasts much longer than the command.
  sweepq_pace=1
  while [ $sweepq_verdict -eq 0 ]; do
    sweepq_nap=${SWEEPQ_WATCH:-60}
    if [ $sweepq_pace -lt "$sweepq_nap" ]; then
      sweepq_nap=$sweepq_pace
      sweepq_pace=$((sweepq_pace * 2))
    fi
    if [ -n "$sweepq_limit" ]; then
      sweepq_clock
      sweepq_left=$(((sweepq_limit * 100 - sweepq_passed + sweepq_since + 99) / 100))
      if [ $sweepq_left -le 0 ]; then
        sweepq_verdict=11
        break
      fi
      if [ $sweepq_left -lt "$sweepq_nap" ]; then sweepq_nap=$sweepq_left; fi
    fi
    sweepq_sleep "$sweepq_nap"
    # Without the runner this is how it learns that the command is over.
    sweepq_lives || exit 0
    sweepq_read_fence
    case $sweepq_fence in
    '') ;;
    cancel) sweepq_verdict=12 ;;
    *) sweepq_verdict=13 ;;
    esac
  done
  sweepq_end
  exit $sweepq_verdict
}

sweepq_wake() {
  # By force, since a process that has just been forked does not yet heed anything else.
  if [ -n "$sweepq_asleep" ] && [ "$!" != "$sweepq_before" ]; then kill -s KILL "$!"; fi
  if [ "$sweepq_verdict" -eq 0 ]; then exit 0; fi
  # There is something new to look at.
  sweepq_roused=yes
}

sweepq_sleep() {
  sweepq_asleep=yes
  if [ -z "$sweepq_roused" ]; then
    sleep "$1" &
    wait "$!"
  fi
  sweepq_asleep='' sweepq_roused=''
}

# All processes of the attempt: SIGTERM once, SIGKILL after the grace, until two looks find none.
sweepq_end() {
  sweepq_signal TERM
  sweepq_clock
  sweepq_until=$((sweepq_passed + sweepq_grace * 100)) sweepq_tries=10
  while [ $sweepq_tries -gt 0 ]; do
    sweepq_find_members
    [ -n "$sweepq_members" ] || sweepq_find_members
    [ -n "$sweepq_members" ] || break
    sweepq_clock
    if [ $sweepq_passed -ge $sweepq_until ]; then
      sweepq_tries=$((sweepq_tries - 1))
      sweepq_send KILL
    fi
    sweepq_sleep 1
  done
}

sweepq_signal() {
  sweepq_find_members
  sweepq_send "$1"
}

sweepq_send() {
  for sweepq_word in $sweepq_members; do kill -s "$1" "$sweepq_word" 2>/dev/null; done
}

# The processes of the attempt: the command, its descendants, and whatever bears its token.
sweepq_find_members() {
  sweepq_members=''
  if sweepq_lives; then
    sweepq_members=" $sweepq_command "
    sweepq_pairs=$(ps -A -o pid= -o ppid= 2>/dev/null)
    sweepq_grown=yes
    while [ -n "$sweepq_grown" ]; do
      sweepq_grown='' sweepq_child=''
      for sweepq_word in $sweepq_pairs; do
        if [ -z "$sweepq_child" ]; then
          sweepq_child=$sweepq_word
          continue
        fi
        case $sweepq_members in
        *" $sweepq_child "*) ;;
        *" $sweepq_word "*) sweepq_members="$sweepq_members$sweepq_child " sweepq_grown=yes ;;
        esac
        sweepq_child=''
      done
    done
  fi
  # shellcheck disable=SC2013
  for sweepq_word in $(grep -Fls "SWEEPQ_ATTEMPT_TOKEN=$sweepq_token" /proc/[0-9]*/environ 2>/dev/null); do
    sweepq_word=${sweepq_word#/proc/}
    sweepq_word=${sweepq_word%/environ}
    case $sweepq_members in
    *" $sweepq_word "*) ;;
    *) sweepq_members="$sweepq_members $sweepq_word " ;;
    esac
  done
}

# Whether the command's first process is there, and no later one with its number.
sweepq_lives() {
  kill -0 "$sweepq_command" 2>/dev/null || return 1
  sweepq_read_gate
  [ -n "$sweepq_born" ] || return 0
  sweepq_look_at "$sweepq_command" && [ "$sweepq_birth" = "$sweepq_born" ]
}

sweepq_read_fence() {
  sweepq_fence=''
  if sweepq_has fence; then
    { read -r sweepq_fence sweepq_text <"$sweepq_folder/fence"; } 2>/dev/null
    sweepq_fence=${sweepq_fence:-empty}
  fi
}

# Writes how it ended. The code that is returned never tells more than 8 bits.
sweepq_conclude() {
  # ksh93 and yash tell the end by a signal from an exit code above 128. In the others it is called a signal only if
  # one was sent from here or passed on.
  sweepq_number=0
  if [ "$sweepq_code" -gt 384 ]; then
    sweepq_number=$((sweepq_code - 384))
  elif [ "$sweepq_code" -gt 256 ]; then
    sweepq_number=$((sweepq_code - 256))
  elif [ "$sweepq_code" -gt 128 ] && [ "$sweepq_why" != own ]; then
    sweepq_number=$((sweepq_code - 128))
  fi
  sweepq_how="code=$sweepq_code" sweepq_error=''
  if [ $sweepq_number -gt 0 ]; then
    sweepq_code=$((128 + sweepq_number)) sweepq_how="signal=$sweepq_number"
  fi
  sweepq_clock
  sweepq_read_gate
  if [ "$sweepq_why" = own ] && [ "$sweepq_code" -le 128 ] && [ -z "$sweepq_started" ]; then
    sweepq_text=''
    { read -r sweepq_text <"$sweepq_folder/launch"; } 2>/dev/null
    case $sweepq_text in
    '!'*)
      sweepq_complain "${sweepq_text#?}"
      sweepq_append "void v=1 token=$sweepq_token at=$sweepq_now ."
      sweepq_code=73
      return
      ;;
    esac
    sweepq_escape "${sweepq_text:-the order ended before the command was started}"
    sweepq_how='' sweepq_error="error=$sweepq_escaped "
    [ "$sweepq_code" -gt 0 ] || sweepq_code=126
  fi
  [ "$sweepq_user" -le 0 ] || sweepq_user=${sweepq_user}0000
  [ "$sweepq_system" -le 0 ] || sweepq_system=${sweepq_system}0000
  sweepq_line="exit v=1 token=$sweepq_token ${sweepq_how:+$sweepq_how }start=$sweepq_at end=$sweepq_now"
  sweepq_line="$sweepq_line user=$sweepq_user system=$sweepq_system rss=0 why=$sweepq_why $sweepq_error."
  sweepq_tries=5
  # The folder may have gone to another attempt by now, if this one has been settled without us.
  until [ -n "$sweepq_ours" ] && sweepq_append "$sweepq_line"; do
    sweepq_tries=$((sweepq_tries - 1))
    if [ $sweepq_tries -eq 0 ] || [ -z "$sweepq_ours" ]; then
      sweepq_complain "cannot write to the gate in $sweepq_folder: $sweepq_line"
      break
    fi
    sleep 5
    # A part of the line may stand there.
    case $sweepq_line in exit*) sweepq_line="
$sweepq_line" ;; esac
  done
}

# What Linux knows of process PID or "self": its number, its birth, and what its ended children have used, in 1/100 s.
sweepq_look_at() {
  sweepq_user=0 sweepq_system=0 sweepq_birth=''
  { read -r sweepq_text <"/proc/$1/stat"; } 2>/dev/null || return 1
  sweepq_pid=${sweepq_text%% *}
  # shellcheck disable=SC2086
  set -- ${sweepq_text##*") "}
  sweepq_user=${14} sweepq_system=${15} sweepq_birth=${20}
}

# The time in ms, and the hundredths of a second that have passed since this shell first asked for it. Only then is date(1)
# run; what follows comes from a clock that nobody sets. In pieces of 32 bits, since some shells calculate with no more.
sweepq_clock() {
  if [ -z "$sweepq_date" ]; then
    # shellcheck disable=SC3028
    sweepq_date=${EPOCHREALTIME-}
    # Some shells know it themselves; in others it is at best a copy that stands still.
    # shellcheck disable=SC3028
    if [ -n "$sweepq_date" ] && [ "$sweepq_date" != "${EPOCHREALTIME-}" ]; then
      sweepq_milli=${sweepq_date#*[.,]}
      sweepq_date=${sweepq_date%[.,]*}${sweepq_milli%???}
    else
      sweepq_date=$(date +%s%3N 2>/dev/null)
    fi
    case $sweepq_date in
    *[!0-9]*) sweepq_date=$(date +%s)000 ;;
    ?????????????*) ;;
    *) sweepq_date=$(date +%s)000 ;;
    esac
    sweepq_s_0=''
  fi
  if { read -r sweepq_s sweepq_text </proc/uptime; } 2>/dev/null; then
    sweepq_c=${sweepq_s#*.} sweepq_s=${sweepq_s%.*}
  else
    sweepq_c=00 sweepq_s=$(date +%s)
  fi
  [ -n "$sweepq_s_0" ] || sweepq_s_0=$sweepq_s sweepq_c_0=$sweepq_c
  sweepq_passed=$(((sweepq_s - sweepq_s_0) * 100 + 1$sweepq_c - 1$sweepq_c_0))
  sweepq_now=${sweepq_date%???}
  sweepq_milli=$((1${sweepq_date#"$sweepq_now"} - 1000 + sweepq_passed % 100 * 10))
  sweepq_now=$((sweepq_now + sweepq_passed / 100 + sweepq_milli / 1000))
  sweepq_milli=$((sweepq_milli % 1000 + 1000))
  sweepq_now=$sweepq_now${sweepq_milli#1}
}

# Everything but plain letters and marks as %XX.
sweepq_escape() {
  sweepq_escaped='' sweepq_rest=$1
  while [ -n "$sweepq_rest" ]; do
    sweepq_word=${sweepq_rest%"${sweepq_rest#?}"}
    sweepq_rest=${sweepq_rest#?}
    case $sweepq_word in
    [A-Za-z0-9_.:/,-]) ;;
    ' ') sweepq_word=%20 ;;
    '[') sweepq_word=%5B ;;
    ']') sweepq_word=%5D ;;
    *)
      sweepq_bytes=$(printf '%s' "$sweepq_word" | od -A n -v -t x1)
      sweepq_word=''
      for sweepq_byte in $sweepq_bytes; do sweepq_word=$sweepq_word%$sweepq_byte; done
      ;;
    esac
    sweepq_escaped=$sweepq_escaped$sweepq_word
  done
}

# Returns what sweepq_run returns if COUNT is 1. Else runs PARALLEL attempts at a time, in their order, and returns 0 if
# all had their turn.
sweepq_task() {
  [ -d "$1" ] || return 0
  sweepq_unable=''
  sweepq_last=$(($2 * $3))
  if ! sweepq_lines=$(sed -n "$((sweepq_last - $3 + 1)),${sweepq_last}p;${sweepq_last}q" "$1/tasks"); then
    sweepq_complain "cannot read $1/tasks"
    return 73
  fi
  [ -n "$sweepq_lines" ] || return 0
  if [ "$3" -eq 1 ]; then
    sweepq_run "${sweepq_lines#* }" "${sweepq_lines%% *}"
    return
  fi
  # Once for all lanes.
  sweepq_clock
  # Each lane goes through all the lines, and the gates see to it that each attempt is run by one of them.
  sweepq_lanes='' sweepq_forked='' sweepq_count=0
  sweepq_catch sweepq_pass_to_lanes
  while [ $sweepq_count -lt "$4" ] && [ $sweepq_count -lt "$3" ] && [ -z "$sweepq_stop" ]; do
    (sweepq_run_lane) &
    sweepq_lanes="$sweepq_lanes $!" sweepq_count=$((sweepq_count + 1))
  done
  sweepq_forked=yes
  if [ -n "$sweepq_stop" ]; then sweepq_pass_to_lanes "$sweepq_stop"; fi
  sweepq_failed=0
  for sweepq_lane in $sweepq_lanes; do
    sweepq_await "$sweepq_lane"
    [ $sweepq_status -eq 0 ] || sweepq_failed=73
  done
  trap - TERM INT HUP XCPU USR1 USR2
  [ -z "$sweepq_stop" ] || return 143
  return $sweepq_failed
}

sweepq_pass_to_lanes() {
  sweepq_woken=yes sweepq_stop=$1
  [ -n "$sweepq_forked" ] || return 0
  for sweepq_target in $sweepq_lanes; do kill -s "$1" "$sweepq_target" 2>/dev/null; done
}

sweepq_run_lane() {
  trap - TERM INT HUP XCPU USR1 USR2
  sweepq_all='' sweepq_newline='
'
  while [ -n "$sweepq_lines" ] && [ -z "$sweepq_stop" ]; do
    sweepq_line=${sweepq_lines%%"$sweepq_newline"*}
    case $sweepq_lines in
    *"$sweepq_newline"*) sweepq_lines=${sweepq_lines#*"$sweepq_newline"} ;;
    *) sweepq_lines='' ;;
    esac
    sweepq_run "${sweepq_line#* }" "${sweepq_line%% *}"
    sweepq_all=$sweepq_all$sweepq_unable
  done
  [ -z "$sweepq_all" ] || exit 73
  exit 0
}
