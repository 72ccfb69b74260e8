# shellcheck shell=sh disable=SC2034,SC2154
# Questions and orders about jobs that are there.

find_jobs() {
  cd "$spool" || unable "cannot enter $spool"
  while read -r name; do
    if [ -e "jobs/$name/job" ]; then say "found $name@$host"; fi
  done
  ensure_keeper
  say "end list"
}

# All that has not ended, in its order.
list_queue() {
  ensure_keeper
  cd "$spool" || unable "cannot enter $spool"
  for entry in queue/*; do
    [ -e "$entry" ] && echo "${entry#queue/*.}"
  done | report all | translate
  say "end list"
}

# WORDS: as for submit
limits() {
  given=''
  for word in "$@"; do given="$given ${word#has-}"; done
  # shellcheck disable=SC2086
  read_capacity $given
  for word in slots="$slots" cpus="$cpus" memory="$memory" gpus="$gpu_count"; do
    say "limit ${word%%=*} ${word#*=}"
  done
  say "end list"
}

# The GPUs that tasks have which run.
list_devices() {
  cd "$spool" 2>/dev/null || {
    say "end list"
    return
  }
  for entry in queue/*; do
    name=${entry#queue/*.}
    [ -e "$entry" ] || continue
    echo "$name" | report live | while read -r kind task pid born device life; do
      case "$device $life" in
      *:*' ALIVE') say "device $name@$host $task $device" ;;
      esac
    done
  done
  say "end list"
}

# SECONDS: comes back when something is noted of a task, or when the time is over.
await_news() {
  cd "$spool" 2>/dev/null || unable "cannot enter $spool"
  left=$1
  before=$(noted)
  while [ "$left" -gt 0 ]; do
    sleep 1
    left=$((left - 1))
    if [ "$(noted)" != "$before" ]; then
      say "news"
      break
    fi
  done
  say "end list"
}

# What changes whenever something is noted of a task, or a job is over.
noted() {
  # Plain names, and one process.
  # shellcheck disable=SC2012
  ls -n jobs/*/log jobs/*/summary 2>/dev/null | cksum
}

# FUNCTION for each job with its tasks: those of "NAME@HOST *", "NAME@HOST 3" and "NAME@HOST 3-17".
control() {
  cd "$spool" || unable "cannot enter $spool"
  while read -r id tasks; do
    name=${id%@*}
    if [ "$name@$host" != "$id" ] || ! [ -e "jobs/$name/job" ]; then
      say "unknown $id"
    elif [ -e "jobs/$name/summary" ] || "$1" "$name" "$tasks"; then
      say "done $id"
    else
      unable "cannot write to $spool"
    fi
  done
  ensure_keeper
  wake_keeper
  say "end list"
}

# JOB: how many tasks it has.
read_tasks() {
  count=1
  read -r line <"jobs/$1/job"
  case $line in
  *' tasks='*)
    count=${line#*" tasks="}
    count=${count%% *}
    ;;
  esac
}

# JOB TASKS: sets first and last.
read_range() {
  read_tasks "$1"
  first=1 last=$count
  case $2 in
  '*') ;;
  *-*) first=${2%-*} last=${2#*-} ;;
  *) first=$2 last=$2 ;;
  esac
  [ "$last" -le "$count" ] || last=$count
}

cancel() {
  read_range "$1" "$2"
  task=$first others=''
  while [ "$task" -le "$last" ]; do
    if [ -e "jobs/$1/t/$task" ]; then
      others=yes
    elif take_task "$1" "$task"; then
      note "$1" "C $task" || {
        rm -f "jobs/$1/t/$task"
        return 1
      }
    elif [ -e "jobs/$1/t/$task" ]; then
      others=yes
    elif ! [ -e "jobs/$1/summary" ]; then
      return 1
    fi
    task=$((task + 1))
  done
  [ -z "$others" ] || detach "end" "$1" "$first" "$last"
}

hold() {
  if [ "$2" = '*' ]; then
    printf '' >"jobs/$1/hold" || return 1
    rm -f "jobs/$1"/h/* "jobs/$1"/r/*
    note "$1" 'H *'
    return
  fi
  read_range "$1" "$2"
  task=$first
  while [ "$task" -le "$last" ]; do
    printf '' >"jobs/$1/h/$task" && note "$1" "H $task" || return 1
    rm -f "jobs/$1/r/$task"
    task=$((task + 1))
  done
}

release() {
  if [ "$2" = '*' ]; then
    rm -f "jobs/$1/hold" "jobs/$1"/h/* "jobs/$1"/r/*
    note "$1" 'R *'
    return
  fi
  read_range "$1" "$2"
  task=$first
  while [ "$task" -le "$last" ]; do
    if [ -e "jobs/$1/hold" ]; then printf '' >"jobs/$1/r/$task" || return 1; fi
    rm -f "jobs/$1/h/$task"
    note "$1" "R $task" || return 1
    task=$((task + 1))
  done
}

# JOB FIRST LAST: ends those of the tasks that run: TERM for their runners, which pass it on; after the grace KILL for
# all that bears the task's mark, the user's commands first, so that their runners can tell of their end.
end_tasks() {
  cd "$spool" || exit 73
  place=$(pwd -P)
  looks=0 runners=''
  while [ "$looks" -lt 10 ]; do
    echo "$1" | report live >"end.$$"
    while read -r kind task pid born words; do
      if [ "$kind" != L ] || [ "$task" -lt "$2" ] || [ "$task" -gt "$3" ]; then continue; fi
      case "$runners " in
      *" $task:"*) continue ;;
      esac
      note "$1" "X $task"
      case $words in
      *' ALIVE') kill -s TERM "$pid" 2>/dev/null ;;
      esac
      runners="$runners $task:$pid:$born"
    done <"end.$$"
    # One that has been taken and has not said its name yet may be about to.
    [ -n "$(list_unnamed "$1" "$2" "$3")" ] || break
    looks=$((looks + 1))
    nap
  done
  rm -f "end.$$"
  read_grace "$1"
  read_tasks "$1"
  began=$(date +%s)
  empty=0 forced=0 told=' '
  while [ "$empty" -lt 2 ] && [ "$forced" -lt 40 ]; do
    now=$(($(date +%s) - began)) left=''
    [ "$now" -lt "$grace" ] || forced=$((forced + 1))
    if [ "$2" -eq 1 ] && [ "$3" -eq "$count" ]; then
      end_members "$1:" "$runners"
    else
      for own_runner in $runners; do end_members "$1:${own_runner%%:*}." "$own_runner"; done
    fi
    if [ -n "$left" ]; then empty=0; else empty=$((empty + 1)); fi
    nap
  done
  wake_keeper
}

# MARK RUNNERS
end_members() {
  members=$(grep -Fls "SWEEPQ_DIRECT_TASK=$place:$1" /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$members" ] || return 0
  left=yes
  if [ "$now" -ge $((grace + 5)) ]; then
    signal_members KILL
  elif [ "$now" -ge "$grace" ]; then
    # shellcheck disable=SC2086
    members=$(grep -Fls SWEEPQ_ATTEMPT_TOKEN= $members 2>/dev/null)
    signal_members KILL
  else
    for runner in $2; do
      runner=${runner#*:}
      look_at "${runner%:*}"
      [ -z "$pid" ] || [ "$born" != "${runner#*:}" ] || return 0
    done
    # The runners have gone, and this stays.
    case $told in
    *" $1 "*) ;;
    *) signal_members TERM ;;
    esac
    told="$told$1 "
  fi
}

# SIGNAL: for those of members, files of /proc, that are still what they were.
signal_members() {
  for file in $members; do
    file=${file#/proc/}
    kill -s "$1" "${file%/environ}" 2>/dev/null
  done
}

# Some tenths of a second, or one where there are none.
nap() { sleep 0.2 2>/dev/null || sleep 1; }

# JOB: seconds between TERM and KILL, as its attempts have it.
read_grace() {
  grace=10
  {
    read -r line
    IFS= read -r folder
  } <"jobs/$1/job"
  { IFS= read -r line <"$folder/tasks"; } 2>/dev/null || return
  { read -r line <"${line#* }/order"; } 2>/dev/null || return
  case $line in
  *' grace='*)
    line=${line#*" grace="}
    grace=${line%% *}
    ;;
  esac
}
