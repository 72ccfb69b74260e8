# shellcheck shell=sh disable=SC2034,SC2154
# What is in the spool, whose keeper there is, and how a job comes into it.

host=$(uname -n)
shift 2

say() { echo "+sweepq $1 ."; }

unable() {
  say "unable $1"
  exit 0
}

# A process that survives whoever asked for it, with an environment that does not depend on them.
detach() {
  apart='nohup'
  if command -v setsid >/dev/null 2>&1; then apart=setsid; fi
  # shellcheck disable=SC2086
  env -i PATH="$PATH" HOME="${HOME-/}" USER="${USER-}" LOGNAME="${LOGNAME-}" \
    ${TMPDIR+"TMPDIR=$TMPDIR"} ${LANG+"LANG=$LANG"} \
    ${SWEEPQ_BOOT_ID+"SWEEPQ_BOOT_ID=$SWEEPQ_BOOT_ID"} ${SWEEPQ_DIRECT_TICK+"SWEEPQ_DIRECT_TICK=$SWEEPQ_DIRECT_TICK"} \
    SWEEPQ_DIRECT_SHELL="$shell" SWEEPQ_DIRECT_KEEPER="${1#end}:$spool" \
    $apart $shell "$text" "$spool" "$@" </dev/null >/dev/null 2>>"$spool/errors" 3>&- &
}

# What this host has: "cpus=4 memory=7900 gpus=nvidia:0,1", memory in MiB. Asked once after each start of the machine,
# since the tools of a graphics driver are slow.
read_host() {
  read_boot
  facts=''
  { read -r facts <"$spool/host"; } 2>/dev/null
  case $facts in
  "boot=$boot "*" .") return ;;
  esac
  # What these say goes for OpenMP only.
  cpus=$(
    unset OMP_NUM_THREADS OMP_THREAD_LIMIT
    nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1
  )
  memory=$(sed -n 's/^MemTotal: *\([0-9]*\)[0-9]\{3\} kB/\1/p' /proc/meminfo 2>/dev/null)
  if [ -n "$memory" ]; then
    memory=$((memory * 1000 / 1024))
  else
    # Where nobody tells, nothing is refused.
    memory=9999999
  fi
  limited=''
  if command -v timeout >/dev/null 2>&1; then limited='timeout 10'; fi
  gpus='' vendor=''
  # shellcheck disable=SC2086
  for index in $($limited nvidia-smi -L 2>/dev/null | sed -n 's/^GPU \([0-9]*\): .*/\1/p'); do
    vendor=nvidia gpus=$gpus,$index
  done
  if [ -z "$gpus" ]; then
    # shellcheck disable=SC2086
    for index in $($limited rocm-smi --showid 2>/dev/null | sed -n 's/^GPU\[\([0-9]*\)\].*/\1/p' | sort -nu); do
      vendor=amd gpus=$gpus,$index
    done
  fi
  facts="boot=$boot cpus=$cpus memory=$memory gpus=${vendor:-none}:${gpus#,} ."
  { echo "$facts" >"$spool/host.$$" && mv -f "$spool/host.$$" "$spool/host"; } 2>/dev/null
}

# WORDS "slots=2 cpus=4 memory=1024 gpus=nvidia:0,1", each of which may be missing: what may be used of the host.
read_capacity() {
  read_host
  slots='' cpus='' memory='' gpus=''
  for word in $facts "$@"; do
    case $word in
    slots=*) slots=${word#*=} ;;
    cpus=*) cpus=${word#*=} ;;
    memory=*) memory=${word#*=} ;;
    gpus=*) gpus=${word#*=} ;;
    esac
  done
  slots=${slots:-$cpus}
  vendor=${gpus%%:*} gpu_count=0
  gpus=${gpus#*:}
  count_words "$gpus"
  gpu_count=$counted
}

# LIST with commas
count_words() {
  counted=0 rest=$1
  while [ -n "$rest" ]; do
    counted=$((counted + 1))
    case $rest in
    *,*) rest=${rest#*,} ;;
    *) rest='' ;;
    esac
  done
}

# Whether there is something to run.
has_work() {
  for entry in "$spool"/queue/*; do
    if [ -e "$entry" ]; then return 0; fi
  done
  return 1
}

# The highest number among the keepers' files.
find_keeper() {
  keeper=0
  for file in "$spool"/keeper.*; do
    candidate=${file##*.}
    case $candidate in
    *[!0-9]*) ;;
    *) if [ "$candidate" -gt "$keeper" ]; then keeper=$candidate; fi ;;
    esac
  done
}

# Whether keeper number NUMBER lives and has not closed.
keeps() {
  if [ "$1" -eq 0 ] || [ -e "$spool/closed.$1" ]; then return 1; fi
  { read -r keeper_pid keeper_born keeper_boot stop <"$spool/keeper.$1"; } 2>/dev/null || return 1
  read_boot
  [ "$stop" = . ] && [ "$keeper_boot" = "$boot" ] || return 1
  look_at "$keeper_pid"
  [ -n "$pid" ] && [ "$born" = "$keeper_born" ]
}

# A keeper that lives and has not closed looks at the queue once more before it ends.
ensure_keeper() {
  has_work || return 0
  find_keeper
  if keeps "$keeper"; then return 0; fi
  detach keeper
}

wake_keeper() {
  if [ -p "$spool/fifo" ]; then { echo "look" >&3; } 3<>"$spool/fifo" 2>/dev/null; fi
}

# NAME WORDS...: the script comes on standard input.
submit() {
  name=$1
  shift
  given='' wishes='' tasks=1 need_cpus=1 need_memory=0 need_gpus=0 folder=''
  for word in "$@"; do
    case $word in
    folder=*) folder=${word#*=} ;;
    slots=* | has-cpus=* | has-memory=* | has-gpus=*) given="$given ${word#has-}" ;;
    # There is nothing of the kind here.
    queue=* | qos=* | constraint=* | reservation=* | gpu-type=*)
      refuse "there is no ${word%%=*} \"${word#*=}\" on $host, which has no scheduler of its own"
      ;;
    account=*) ;;
    --nice=*)
      case ${word#--nice=} in
      '' | *[!0-9]*) refuse "$word is no option here; --nice=10 is one" ;;
      esac
      wishes="$wishes nice=${word#--nice=}"
      ;;
    -*) refuse "$word is no option here; --nice=10 is the only one" ;;
    *)
      case $word in
      cpus=*) need_cpus=${word#*=} ;;
      memory=*) need_memory=${word#*=} ;;
      gpus=*) need_gpus=${word#*=} ;;
      exclusive=yes) need_cpus=all ;;
      esac
      case $word in
      tasks=* | single=* | throttle=* | time=*) wishes="$wishes $word" ;;
      esac
      ;;
    esac
  done
  # shellcheck disable=SC2086
  read_capacity $given
  [ "$need_cpus" != all ] || need_cpus=$cpus
  [ "$need_cpus" -le "$cpus" ] || refuse "it asks for $need_cpus cpus, and $host has $cpus"
  [ "$need_memory" -le "$memory" ] || refuse "it asks for $need_memory MiB of memory, and $host has $memory"
  [ "$need_gpus" -le "$gpu_count" ] || refuse "it asks for $need_gpus gpus, and $host has $gpu_count"
  cd "$spool" || unable "cannot enter $spool"
  if [ -e "jobs/$name/job" ]; then
    accept "$name"
    return
  fi
  remove_old
  seq=$(date +%s%N 2>/dev/null)
  case $seq in
  *[!0-9]*) seq='' ;;
  esac
  case $seq in
  ?????????????????*) ;;
  *)
    pid=00000000$$
    seq=$(date +%s)${pid#"${pid%?????????}"}
    ;;
  esac
  if ! {
    mkdir -p queue "jobs/$name/t" "jobs/$name/h" "jobs/$name/r" &&
      cat >"jobs/$name/script.$$" && mv -f "jobs/$name/script.$$" "jobs/$name/script" &&
      write_environment >"jobs/$name/environment.$$" && mv -f "jobs/$name/environment.$$" "jobs/$name/environment" &&
      printf '%s\n%s\n%s\n' "v=1 seq=$seq cpus=$need_cpus memory=$need_memory gpus=$need_gpus$wishes ." "$folder" \
        "whole" >"jobs/$name/job.$$" && check_draft "jobs/$name/job.$$" &&
      printf '' >>"jobs/$name/log" && printf '' >"queue/$seq.$name"
  } 2>/dev/null; then
    rm -f "jobs/$name/script.$$" "jobs/$name/environment.$$" "jobs/$name/job.$$" "queue/$seq.$name"
    unable "cannot write to $spool"
  fi
  if ! ln "jobs/$name/job.$$" "jobs/$name/job" 2>/dev/null; then
    rm -f "queue/$seq.$name"
    if ! [ -e "jobs/$name/job" ]; then
      rm -f "jobs/$name/job.$$"
      unable "cannot make a link in $spool"
    fi
  fi
  rm -f "jobs/$name/job.$$"
  if [ -n "$given" ]; then echo "$given" >"capacity.$$" && mv -f "capacity.$$" capacity; fi
  accept "$name"
}

# A full disk may show only when a file is closed.
check_draft() {
  {
    read -r line
    read -r line
    read -r line
  } <"$1"
  [ "$line" = whole ]
}

refuse() {
  say "rejected $1"
  exit 0
}

accept() {
  ensure_keeper
  wake_keeper
  say "accepted $1@$host"
}

# What a job finds in its environment of its submitter's; nothing that is likely to be a secret.
write_environment() {
  for variable in PATH LD_LIBRARY_PATH PYTHONPATH VIRTUAL_ENV CONDA_PREFIX CONDA_DEFAULT_ENV MODULEPATH LOADEDMODULES \
    _LMFILES_ LANG LC_ALL LC_CTYPE TZ SHELL; do
    eval "value=\${$variable-} given_here=\${$variable+yes}"
    # shellcheck disable=SC2154
    if [ -n "$given_here" ]; then
      printf 'export %s=' "$variable"
      # shellcheck disable=SC2154
      printf '%s\n' "$value" | sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/"
    fi
  done
}

# Of what ended a day ago nothing is kept.
remove_old() {
  set -- "$spool"/jobs/*/summary
  [ -e "$1" ] || return 0
  find "$@" -type f -mtime +0 2>/dev/null | while IFS= read -r file; do rm -rf "${file%/summary}"; done
}
