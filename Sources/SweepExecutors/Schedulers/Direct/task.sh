# shellcheck shell=sh disable=SC2034,SC2154
# The scheduler of a host that has none: a spool folder, and a keeper that runs what is in it. It needs nothing but a
# POSIX shell and its tools, and is called so:
#
#   sh direct.sh SPOOL submit NAME WORD...    the script on standard input
#   sh direct.sh SPOOL status | cancel | hold | release    of the jobs on standard input, "NAME@HOST TASKS" each
#   sh direct.sh SPOOL find                                of names on standard input
#   sh direct.sh SPOOL queue | limits [WORD...] | devices | news SECONDS
#
# Its own processes are "task" (one for each task), "keeper" (one for each spool) and "end" (after a cancel).
#
# In the spool:
#   queue/SEQ.NAME       jobs that have not ended, in their order
#   jobs/NAME/job        what it asks for; the job exists with this file
#   jobs/NAME/script     what its tasks run
#   jobs/NAME/log        what became of its tasks: S(tart), E(nd), C(ancelled before), X (cancelled after), H(old),
#                        R(elease), G(one without a word), N(ode restarted); a full stop ends each, since on a full disk
#                        half of one may come before another
#   jobs/NAME/t/TASK     exclusively made by whoever starts or cancels the task
#   jobs/NAME/h, r, hold tasks held, tasks released, all held
#   jobs/NAME/summary    when all tasks have ended, instead of the log
#   keeper.N             the keeper with the highest number is the one
#   fifo                 by which the keeper is woken

umask 077
spool=$1 verb=$2 text=$0
shell=${SWEEPQ_DIRECT_SHELL:-sh}

# What the kernel knows of PID or "self": its number, birth and parent; all empty if it has ended.
look_at() {
  pid='' born='' parent=''
  if { read -r line <"/proc/$1/stat"; } 2>/dev/null; then
    pid=${line%% *}
    # shellcheck disable=SC2086
    set -- ${line##*") "}
    case $1 in
    Z | X) pid='' ;;
    *) born=${20} parent=$2 ;;
    esac
  elif ! [ -r /proc/self/stat ]; then
    [ "$1" != self ] || set -- $$
    pid=$1
    born=$(ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_')
    [ -n "$born" ] || pid=''
  fi
}

read_boot() {
  boot=${SWEEPQ_BOOT_ID-}
  [ -n "$boot" ] || { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=unknown
  boot=${boot%%-*}
}

# JOB TASK: takes the task for whoever asks first.
take_task() {
  taken=''
  set -C
  { { taken=yes && printf ''; } >"jobs/$1/t/$2"; } 2>/dev/null
  set +C
  [ -n "$taken" ]
}

# JOB WORDS: adds a line to the job's log. With its newline at its end every shell writes it at one go.
note() {
  { printf '%s .\n' "$2" >>"jobs/$1/log"; } 2>/dev/null
}

# JOB TASK SEQ GPUS NICE: runs one task. What it says is for the keeper, which listens at descriptor 3.
run_task() {
  look_at self
  read_boot
  if ! take_task "$1" "$2"; then
    echo "end $3 $2" >&3
    exit 0
  fi
  if ! note "$1" "S $2 $pid $born $boot ${4:--}"; then
    rm -f "jobs/$1/t/$2"
    echo "full $3 $2" >&3
    exit 75
  fi
  {
    read -r line
    IFS= read -r folder
  } <"jobs/$1/job"
  output=$folder/log.$2
  case $line in
  *' single=yes '*)
    output=$folder/log
    unset SWEEPQ_TASK
    ;;
  esac
  case ${4-} in
  nvidia:*) export CUDA_DEVICE_ORDER=PCI_BUS_ID CUDA_VISIBLE_DEVICES="${4#*:}" ;;
  amd:*)
    line=${4#*:}, among='' count=0
    while [ -n "$line" ]; do
      among=$among,$count count=$((count + 1)) line=${line#*,}
    done
    export ROCR_VISIBLE_DEVICES="${4#*:}" HIP_VISIBLE_DEVICES="${among#,}"
    ;;
  esac
  asked='' child='' woken=''
  for signal in TERM INT HUP XCPU; do
    # shellcheck disable=SC2064
    trap "pass_on TERM" "$signal"
  done
  trap 'pass_on USR1' USR1
  trap 'pass_on USR2' USR2
  (
    trap - TERM INT HUP XCPU USR1 USR2
    exec 3>&-
    become "$1" "$folder"
  ) </dev/null >>"$output" 2>&1 &
  child=$!
  [ -z "$asked" ] || kill -s "$asked" "$child"
  { wait "$child"; } 2>/dev/null
  code=$?
  while [ -n "$woken" ]; do
    woken=''
    { wait "$child"; } 2>/dev/null
    again=$?
    [ "$again" -eq 127 ] || code=$again
  done
  [ "$code" -le 255 ] || code=$((128 + code % 128))
  until note "$1" "E $2 $code"; do sleep 5; done
  echo "end $3 $2" >&3
  exit 0
}

# JOB FOLDER: the script, in a shell of its own.
become() {
  script=$PWD/jobs/$1/script
  # shellcheck source=/dev/null
  if [ -r "jobs/$1/environment" ]; then . "./jobs/$1/environment"; fi
  cd "$2" || exit 73
  # shellcheck source=/dev/null
  . "$script"
}

pass_on() {
  woken=yes asked=$1
  [ -z "$child" ] || kill -s "$1" "$child" 2>/dev/null
}

# Tasks come this way often: what follows they need not read.
if [ "$verb" = task ]; then
  cd "$spool" || exit 73
  shift 2
  run_task "$@"
fi
