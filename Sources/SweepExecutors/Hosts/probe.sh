# shellcheck shell=sh
# Tells what the host is like, in lines NAME=VALUE; makes the root if it is not there. What cannot be found out is left out.

LC_ALL=C
export LC_ALL
umask 077

# ROOT NEW: the folder that all of ours is to be in, and the identity that it gets if it has none.
sweepq_probe() {
  echo "now=$(date +%s)"
  echo "home=${HOME-}"
  if [ -d "$1" ] || mkdir -p "$1" 2>/dev/null; then
    if cd "$1" 2>/dev/null; then
      sweepq_try_root "$2"
    else
      echo "trouble=cannot enter the folder $1"
    fi
  else
    echo "trouble=cannot make the folder $1: $(mkdir -p "$1" 2>&1 | tr '\n' ' ')"
  fi
  echo "host=$(uname -n)"
  echo "system=$(uname -sm)"
  sweepq_text=
  { read -r sweepq_text </proc/sys/kernel/random/boot_id; } 2>/dev/null && echo "boot=$sweepq_text"
  sweepq_text=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null) && echo "cpus=$sweepq_text"
  { sed -n 's/^MemTotal: *\([0-9]*\) kB$/memory=\1/p; s/^MemAvailable: *\([0-9]*\) kB$/available=\1/p' /proc/meminfo; } 2>/dev/null
  { read -r sweepq_text </proc/loadavg; } 2>/dev/null && echo "load=${sweepq_text%% *}"
  for sweepq_name in tar rsync cksum df mkfifo tee sed ps grep date mv nvidia-smi rocm-smi; do
    if command -v "$sweepq_name" >/dev/null 2>&1; then echo "tool=$sweepq_name"; fi
  done
  sweepq_gpus
  echo "shell=$(sweepq_shell)"
}

sweepq_shell() {
  if [ -n "${BASH_VERSION-}" ]; then
    echo "bash $BASH_VERSION"
  elif [ -n "${ZSH_VERSION-}" ]; then
    echo "zsh $ZSH_VERSION"
  elif [ -n "${KSH_VERSION-}" ]; then
    echo "$KSH_VERSION"
  else
    echo sh
  fi
}

sweepq_try_root() {
  echo "root=$(pwd)"
  sweepq_text=$(df -Pk . 2>/dev/null | sed -n '$s/.* \([0-9][0-9]*\)  *[0-9]*%.*/\1/p')
  [ -z "$sweepq_text" ] || echo "free=$sweepq_text"
  sweepq_text='' sweepq_draft=.sweepq-try-$$
  { echo works >"$sweepq_draft"; } 2>/dev/null
  { read -r sweepq_text <"$sweepq_draft"; } 2>/dev/null
  rm -f "$sweepq_draft"
  if [ "$sweepq_text" != works ]; then
    echo "trouble=cannot write in the folder $(pwd)"
    return
  fi
  set -C
  { [ -e identity ] || echo "$1" >identity; } 2>/dev/null
  set +C
  sweepq_text=
  { read -r sweepq_text <identity; } 2>/dev/null
  [ -z "$sweepq_text" ] || echo "identity=$sweepq_text"
  # What transfers that were cut short have left.
  if [ -d incoming ]; then find incoming/. ! -name . -prune -mtime +0 -exec rm -rf {} + 2>/dev/null; fi
}
