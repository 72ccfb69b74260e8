# shellcheck shell=sh
# What a host has to spare, in lines NAME=VALUE. What cannot be found out is left out.

# Of the folder that has been entered: the free KiB on its disk; of the host: its load and the KiB of free memory.
sweepq_measure() {
  sweepq_text=$(df -Pk . 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9]*%.*/\1/p')
  [ -z "$sweepq_text" ] || echo "free=$sweepq_text"
  { read -r sweepq_text </proc/loadavg; } 2>/dev/null && echo "load=${sweepq_text%% *}"
  { sed -n 's/^MemAvailable: *\([0-9]*\) kB$/available=\1/p' /proc/meminfo; } 2>/dev/null
  return 0
}

# A driver that hangs must not hang whoever asks.
sweepq_gpus() {
  sweepq_limit=''
  if command -v timeout >/dev/null 2>&1; then sweepq_limit='timeout 10'; fi
  if command -v nvidia-smi >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    $sweepq_limit nvidia-smi --query-gpu=index,uuid,name,memory.total --format=csv,noheader,nounits 2>/dev/null \
      </dev/null | sed 's/^/nvidia=/'
  fi
  if command -v rocm-smi >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    echo "rocm=$($sweepq_limit rocm-smi --showid --showuniqueid --showproductname --showmeminfo vram --json 2>/dev/null \
      </dev/null | tr '\n' ' ')"
  fi
}
