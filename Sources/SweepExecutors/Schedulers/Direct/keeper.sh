# shellcheck shell=sh disable=SC2034,SC2154
# The process that starts tasks.

# The keeper. Per job, named by its SEQ, it knows name_, tasks_, next_ (the first task that may not have been started),
# cpus_, memory_, gpus_, throttle_, nice_, running_ (how many), why_ (what its next task waits for), skipped_ (it has
# tasks that are held), unclear_ (ticks for which nothing has run of it); per running task run_SEQ_TASK, "PID BORN GPUS".
keep() {
  cd "$spool" || exit 73
  place=$(pwd -P)
  : >errors
  # So it stays in what the kernel shows of this process and of what it forks, but not of what those become.
  unset SWEEPQ_DIRECT_KEEPER
  look_at self
  read_boot
  own_pid=$pid
  echo "$pid $born $boot ." >"draft.$$" || exit 73
  while :; do
    find_keeper
    number=$keeper
    if keeps "$number"; then
      rm -f "draft.$$"
      exit 0
    fi
    mine=$((number + 1))
    ln "draft.$$" "keeper.$mine" 2>/dev/null || {
      [ -e "keeper.$mine" ] || exit 73
      continue
    }
    find_keeper
    [ "$keeper" -ne "$mine" ] || break
    # Somebody has gone on from here long ago.
    rm -f "keeper.$mine"
  done
  rm -f "draft.$$"
  if [ "$number" -gt 0 ] && ! [ -e "closed.$number" ]; then await_starts; fi
  while [ "$number" -gt 0 ] && [ -e "keeper.$number" ]; do
    rm -f "keeper.$number" "closed.$number"
    number=$((number - 1))
  done
  [ -p fifo ] || mkfifo fifo || exit 73
  exec 3<>fifo
  pace=${SWEEPQ_DIRECT_TICK:-2}
  # shellcheck disable=SC2086
  $shell "$text" "$spool" ticker "$own_pid" "$pace" </dev/null >/dev/null 2>&1 3<&3 &
  ticker=$!
  apart=''
  if command -v setsid >/dev/null 2>&1; then apart=setsid; fi
  pending=' ' active=' ' running=' ' idle=0 pause=0 ended_jobs='' leaving=''
  read_free
  read_queue
  while :; do
    if [ "$pause" -eq 0 ]; then schedule; fi
    # After what follows them has been started.
    for one in $leaving; do wait "$one" 2>/dev/null; done
    leaving=''
    finish_jobs
    read -r event seq task <&3 || sleep 1
    case $event in
    end) task_ended ;;
    full)
      # The disk is: the task can be started later.
      task_ended
      eval "next_$seq=1"
      resume_job
      pause=3
      ;;
    look)
      read_free
      read_queue
      ;;
    tick) check ;;
    esac
  done
}

# PID SECONDS: wakes the keeper PID for as long as it lives.
tick() {
  while sleep "$2"; do
    look_at "$1"
    if [ -z "$pid" ]; then break; fi
    echo tick >&3
  done
}

# An earlier keeper that was killed may have left processes that are about to begin a task, and have not said so yet.
await_starts() {
  looks=0
  while [ "$looks" -lt 50 ]; do
    unnamed=''
    # shellcheck disable=SC2013
    for file in $(grep -Fls "SWEEPQ_DIRECT_KEEPER=keeper:$spool" /proc/[0-9]*/environ 2>/dev/null); do
      file=${file#/proc/}
      look_at "${file%/environ}"
      if [ -n "$pid" ] && [ "$pid" != "$own_pid" ] && [ "$parent" != "$own_pid" ]; then unnamed=yes; fi
    done
    # shellcheck disable=SC2013
    for file in $(grep -Fls "$spool" /proc/[0-9]*/cmdline 2>/dev/null); do
      words=$({ tr '\0\n ' ' __' <"$file"; } 2>/dev/null)
      case $words in
      *' task '*) ;;
      *) continue ;;
      esac
      # shellcheck disable=SC2086
      set -- ${words##*' task '}
      if [ -e "jobs/$1/log" ] && ! grep -q "S $2 .* \.\$" "jobs/$1/log"; then unnamed=yes; fi
    done
    [ -n "$unnamed" ] || break
    looks=$((looks + 1))
    nap
  done
}

# What is free, after what runs.
read_free() {
  given=''
  { read -r given <capacity; } 2>/dev/null
  # shellcheck disable=SC2086
  read_capacity $given
  free_slots=$slots free_cpus=$cpus free_memory=$memory free_gpus=,$gpus,
  [ -n "$gpus" ] || free_gpus=,
  for one in $running; do
    seq=${one%_*}
    eval "job_cpus=\$cpus_$seq job_memory=\$memory_$seq state=\$run_$one"
    take_free "${state##* }"
  done
}

# GPUS: takes what a task of the job has.
take_free() {
  free_slots=$((free_slots - 1)) free_cpus=$((free_cpus - job_cpus)) free_memory=$((free_memory - job_memory))
  case $1 in
  *:*)
    taking=${1#*:},
    while [ -n "$taking" ]; do
      device=${taking%%,*} taking=${taking#*,}
      case $free_gpus in
      *",$device,"*) free_gpus=${free_gpus%%",$device,"*},${free_gpus#*",$device,"} ;;
      esac
    done
    ;;
  esac
}

# Learns of new jobs, and looks anew at those that had been passed over.
read_queue() {
  idle=0
  for entry in queue/*; do
    entry=${entry#queue/}
    seq=${entry%%.*} name=${entry#*.}
    case $seq in
    '' | *[!0-9]*) continue ;;
    esac
    eval "known=\${name_$seq-}"
    if [ -n "$known" ]; then
      eval "known=\$skipped_$seq"
      if [ -n "$known" ]; then
        eval "next_$seq=1 skipped_$seq=''"
        resume_job
      fi
    elif [ -e "jobs/$name/job" ]; then
      read_job
    elif ! [ -e "jobs/$name" ]; then
      rm -f "queue/$entry"
    fi
  done
}

# The job comes to its place among those that have something to start.
resume_job() {
  case $pending in
  *" $seq "*) return ;;
  esac
  before=' ' after=''
  for one in $pending; do
    if [ "${#one}" -gt "${#seq}" ] || { [ "${#one}" -eq "${#seq}" ] && later "$one" "$seq"; }; then
      after="$after$one "
    else
      before="$before$one "
    fi
  done
  pending="$before$seq $after"
}

# Whether the number A is above B, both of the same length, which may be more than the shell can count to.
later() {
  a=$1 b=$2
  while [ -n "$a" ]; do
    high=${a%"${a#????????}"} low=${b%"${b#????????}"}
    # What is left is shorter than that.
    [ -n "$high" ] || high=$a low=$b
    [ "1$high" -eq "1$low" ] || break
    a=${a#"$high"} b=${b#"$low"}
  done
  [ -n "$a" ] && [ "1$high" -gt "1$low" ]
}

read_job() {
  job_cpus=1 job_memory=0 job_gpus=0 tasks=1 throttle=0 nice='' found=''
  { read -r line <"jobs/$name/job"; } 2>/dev/null
  for word in $line; do
    case $word in
    seq=*) found=${word#*=} ;;
    tasks=*) tasks=${word#*=} ;;
    cpus=*) job_cpus=${word#*=} ;;
    memory=*) job_memory=${word#*=} ;;
    gpus=*) job_gpus=${word#*=} ;;
    throttle=*) throttle=${word#*=} ;;
    nice=*) nice=${word#*=} ;;
    esac
  done
  if [ "$found" != "$seq" ]; then
    # Submitted twice at the same time; the other one counts.
    rm -f "queue/$entry"
    return
  fi
  eval "name_$seq=\$name tasks_$seq=$tasks next_$seq=1 cpus_$seq=$job_cpus memory_$seq=$job_memory gpus_$seq=$job_gpus \
    throttle_$seq=$throttle nice_$seq=$nice running_$seq=0 why_$seq='' unclear_$seq=0 skipped_$seq=''"
  active="$active$seq "
  if [ -e "jobs/$name/summary" ]; then
    ended_jobs="$ended_jobs $seq"
    return
  fi
  adopt
  resume_job
}

# What an earlier keeper has started runs on, or has ended without a word.
adopt() {
  [ -s "jobs/$name/log" ] || return 0
  rm -f "jobs/$name/why"
  echo "$name" | report live >"live.$$"
  while read -r kind task pid born device life; do
    case $life in
    ALIVE)
      eval "run_${seq}_$task='$pid $born $device'; running_$seq=\$((running_$seq + 1))"
      running="$running${seq}_$task "
      take_free "$device"
      ;;
    BOOT) note "$name" "N $task" ;;
    DEAD) note "$name" "G $task" ;;
    esac
  done <"live.$$"
  rm -f "live.$$"
}

# Starts what there is room for, in order. What there is no room for keeps its room: what comes after it may have the
# rest.
schedule() {
  left_slots=$free_slots left_cpus=$free_cpus left_memory=$free_memory
  count_words "${free_gpus#,}"
  left_gpus=$counted
  for seq in $pending; do
    if [ "$left_slots" -le 0 ] || [ "$left_cpus" -le 0 ]; then break; fi
    eval "name=\$name_$seq tasks=\$tasks_$seq next=\$next_$seq job_cpus=\$cpus_$seq job_memory=\$memory_$seq \
      job_gpus=\$gpus_$seq throttle=\$throttle_$seq nice=\$nice_$seq running_here=\$running_$seq"
    while :; do
      while [ "$next" -le "$tasks" ] && is_not_to_start; do next=$((next + 1)); done
      if [ "$next" -gt "$tasks" ]; then
        pending="${pending%%" $seq "*} ${pending#*" $seq "}"
        ended_jobs="$ended_jobs $seq"
        break
      fi
      if [ "$throttle" -gt 0 ] && [ "$running_here" -ge "$throttle" ]; then
        explain "no more than $throttle of its tasks are to run at the same time"
        break
      fi
      lacking=''
      [ "$job_memory" -eq 0 ] || [ "$job_memory" -le "$left_memory" ] || lacking="$job_memory MiB of memory"
      [ "$job_gpus" -le "$left_gpus" ] || lacking="$job_gpus of the gpus"
      [ "$job_cpus" -le "$left_cpus" ] || lacking="$job_cpus of the cpus"
      [ "$left_slots" -ge 1 ] || lacking='a slot'
      left_slots=$((left_slots - 1)) left_cpus=$((left_cpus - job_cpus)) left_memory=$((left_memory - job_memory))
      left_gpus=$((left_gpus - job_gpus))
      if [ -n "$lacking" ]; then
        explain "waits for $lacking"
        break
      fi
      start_task
      next=$((next + 1)) running_here=$((running_here + 1))
    done
    eval "next_$seq=$next running_$seq=$running_here"
  done
}

is_not_to_start() {
  if [ -e "jobs/$name/t/$next" ]; then return 0; fi
  eval "known=\${run_${seq}_$next-}"
  # Started, and has not taken its place yet.
  if [ -n "$known" ]; then return 0; fi
  if [ -e "jobs/$name/h/$next" ] || { [ -e "jobs/$name/hold" ] && ! [ -e "jobs/$name/r/$next" ]; }; then
    eval "skipped_$seq=yes"
    return 0
  fi
  return 1
}

# SENTENCE: why the job's next task does not start.
explain() {
  eval "known=\$why_$seq"
  # shellcheck disable=SC2154
  [ "$known" != "$1" ] || return 0
  eval "why_$seq=\$1"
  { echo "$1" >"jobs/$name/why"; } 2>/dev/null
}

start_task() {
  device=- rest=$free_gpus count=0
  if [ "$job_gpus" -gt 0 ]; then
    rest=${rest#,} device=''
    while [ "$count" -lt "$job_gpus" ]; do
      device=$device,${rest%%,*} rest=${rest#*,} count=$((count + 1))
    done
    device=$vendor:${device#,}
  fi
  # shellcheck disable=SC2086
  SWEEPQ_TASK=$next SWEEPQ_DIRECT_TASK="$place:$name:$next." ${nice:+nice -n "$nice"} $apart $shell "$text" \
    "$spool" task "$name" "$next" "$seq" "$device" </dev/null >/dev/null 2>>errors 3<&3 &
  eval "run_${seq}_$next='$! - $device'"
  running="$running${seq}_$next "
  take_free "$device"
}

# Task TASK of job SEQ is over, or was somebody else's.
task_ended() {
  eval "state=\${run_${seq}_$task-}"
  [ -n "$state" ] || return 0
  leaving="$leaving ${state%% *}"
  unset "run_${seq}_$task"
  running="${running%%" ${seq}_$task "*} ${running#*" ${seq}_$task "}"
  eval "running_$seq=\$((running_$seq - 1)); job_cpus=\$cpus_$seq job_memory=\$memory_$seq count=\$running_$seq"
  free_slots=$((free_slots + 1)) free_cpus=$((free_cpus + job_cpus)) free_memory=$((free_memory + job_memory))
  device=${state##* }
  case $device in
  *:*) free_gpus=$free_gpus${device#*:}, ;;
  esac
  [ "$count" -gt 0 ] || ended_jobs="$ended_jobs $seq"
}

# Jobs that may be over, and are no more once their summary is written.
finish_jobs() {
  [ -n "$ended_jobs" ] || return 0
  # shellcheck disable=SC2086
  set -- $ended_jobs
  ended_jobs=''
  for seq in "$@"; do
    eval "name=\${name_$seq-} count=\${running_$seq-1}"
    case $pending in
    *" $seq "*) continue ;;
    esac
    if [ -z "$name" ] || [ "$count" -gt 0 ]; then continue; fi
    if ! [ -e "jobs/$name/summary" ]; then
      echo "$name" | report all >"summary.$$" || continue
      grep -q '^Z$' "summary.$$" || continue
      if grep -q -e ' pending ' -e ' held ' -e ' running ' "summary.$$"; then continue; fi
      mv -f "summary.$$" "jobs/$name/summary" || continue
    fi
    rm -f "queue/$seq.$name"
    rm -rf "jobs/$name/t" "jobs/$name/h" "jobs/$name/r" "jobs/$name/log" "jobs/$name/script" "jobs/$name/why" \
      "jobs/$name/environment" "jobs/$name/hold"
    active="${active%%" $seq "*} ${active#*" $seq "}"
    unset "name_$seq" "tasks_$seq" "next_$seq" "cpus_$seq" "memory_$seq" "gpus_$seq" "throttle_$seq" "nice_$seq" \
      "running_$seq" "why_$seq" "unclear_$seq" "skipped_$seq"
  done
}

# Once in a while: who has ended without a word, what nobody told, and whether anything is left to do.
check() {
  if ! [ -e "$spool/keeper.$mine" ]; then
    # The spool has been removed.
    kill -s KILL "$ticker" 2>/dev/null
    exit 0
  fi
  if [ "$pause" -gt 0 ]; then pause=$((pause - 1)); fi
  for one in $running; do
    seq=${one%_*} task=${one##*_}
    eval "state=\$run_$one name=\$name_$seq"
    look_at "${state%% *}"
    known=${state#* }
    known=${known%% *}
    if [ -n "$pid" ] && { [ "$known" = - ] || [ "$born" = "$known" ]; }; then continue; fi
    if ! [ -e "jobs/$name/t/$task" ]; then
      # It could not even begin.
      eval "next_$seq=1"
      resume_job
      pause=3
    elif ! grep -q "E $task [0-9]* \.\$" "jobs/$name/log" && grep -q "S $task .* \.\$" "jobs/$name/log"; then
      note "$name" "G $task"
    fi
    task_ended
  done
  for seq in $active; do
    case $pending in
    *" $seq "*) continue ;;
    esac
    eval "count=\$running_$seq name=\$name_$seq"
    if [ "$count" -eq 0 ]; then
      # Held, or taken by somebody who died before they could say so.
      eval "unclear_$seq=\$((unclear_$seq + 1)) count=\$unclear_$seq"
      if [ $((count % 5)) -eq 0 ]; then
        settle_unclear
        ended_jobs="$ended_jobs $seq"
      fi
    fi
  done
  if has_work; then
    idle=0
  elif [ "$running" = ' ' ]; then
    idle=$((idle + 1))
    if [ "$idle" -ge 3 ]; then
      printf '' >"closed.$mine"
      kill -s KILL "$ticker" 2>/dev/null
      # Whoever came before it was closed counts on this look.
      ensure_keeper
      exit 0
    fi
  fi
}

# Tasks that are taken, of which nothing is known, and of which no process is there.
settle_unclear() {
  eval "tasks=\$tasks_$seq"
  for task in $(list_unnamed "$name" 1 "$tasks"); do
    if grep -Fqs "SWEEPQ_DIRECT_TASK=$place:$name:$task." /proc/[0-9]*/environ; then continue; fi
    # It has not begun: whoever takes a task says so before anything else.
    rm -f "jobs/$name/t/$task"
    eval "next_$seq=1"
    resume_job
  done
}
