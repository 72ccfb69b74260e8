# shellcheck shell=sh disable=SC2034,SC2154
# What became of the tasks.

# Names of jobs on standard input, one a line. For each job that is there a line "J NAME TASKS single|array", for each
# run of tasks that are alike "T FIRST LAST STATE CODE REASON", and "Z" at its end; or for "live" each task that has started and of which
# nothing more is known as "L TASK PID BORN GPUS DEAD|ALIVE|BOOT".
report() {
  read_boot
  awk -v boot="$boot" -v what="$1" '
    function born(pid,    line, parts, count, command) {
      line = ""
      if ((getline line < ("/proc/" pid "/stat")) > 0) {
        close("/proc/" pid "/stat")
        sub(/^.*\) /, "", line)
        count = split(line, parts, " ")
        return parts[1] == "Z" || parts[1] == "X" ? "" : parts[20]
      }
      if (has_proc) return ""
      command = "ps -o lstart= -p " pid " 2>/dev/null | tr -s \" \" _"
      command | getline line
      close(command)
      return line
    }
    function read_log(name,    line, parts, file, task, found) {
      split("", start); split("", end); split("", fate); split("", asked); split("", held)
      all_held = 0
      file = "jobs/" name "/log"
      while ((found = (getline line < file)) > 0) {
        if (line !~ / \.$/) continue
        if (match(line, /[SECXHRGN] [^A-Z]*$/)) line = substr(line, RSTART)
        split(line, parts, " ")
        task = parts[2]
        if (parts[1] == "S") start[task] = line
        else if (parts[1] == "E") { if (!(task in end)) end[task] = parts[3] }
        else if (parts[1] == "C" || parts[1] == "G" || parts[1] == "N") { if (!(task in fate)) fate[task] = parts[1] }
        else if (parts[1] == "X") asked[task] = 1
        else if (parts[1] == "H" || parts[1] == "R") {
          if (task == "*") { split("", held); all_held = parts[1] == "H" }
          else held[task] = parts[1] == "H"
        }
      }
      close(file)
      return found == 0
    }
    function summary(name,    line, file, found) {
      file = "jobs/" name "/summary"
      found = 0
      while ((getline line < file) > 0) { found = 1; print line }
      close(file)
      return found
    }
    function life(task,    parts) {
      split(start[task], parts, " ")
      if (parts[5] != boot) return "BOOT"
      return born(parts[3]) == parts[4] && parts[4] != "" ? "ALIVE" : "DEAD"
    }
    function ended(code, task) {
      if (code == 0) return "completed 0"
      return (task in asked ? "cancelled " : "failed ") code
    }
    function gone(task) { return task in asked ? "cancelled -" : "gone -" }
    function state(task) {
      if (task in end) return ended(end[task], task)
      if (fate[task] == "C") return "cancelled -"
      if (fate[task] == "N") return "nodefailed -"
      if (fate[task] == "G") return gone(task)
      if (task in start) {
        if (lives[task] == "ALIVE") return "running -"
        return lives[task] == "BOOT" ? "nodefailed -" : gone(task)
      }
      if (task in held ? held[task] : all_held) return "held -"
      return "pending - " why
    }
    function describe(name,    line, file, parts, count, tasks, single, task, first, word, next_word, i, again, there) {
      if (what != "live" && summary(name)) return
      file = "jobs/" name "/job"
      line = ""
      if ((getline line < file) <= 0) return
      close(file)
      tasks = 1; single = "array"
      count = split(line, parts, " ")
      for (i = 1; i <= count; i++) {
        if (parts[i] ~ /^tasks=/) tasks = substr(parts[i], 7) + 0
        if (parts[i] == "single=yes") single = "single"
      }
      there = read_log(name)
      split("", lives)
      again = 0
      for (task in start) if (!(task in end) && !(task in fate)) {
        lives[task] = life(task)
        if (lives[task] != "ALIVE") again = 1
      }
      # One that has just ended may have said so meanwhile.
      if (again) there = read_log(name)
      # With its summary goes the log. Without either nothing is known.
      if (what != "live" && summary(name)) return
      if (!there) return
      if (what == "live") {
        for (task in lives) if (!(task in end) && !(task in fate)) {
          split(start[task], parts, " ")
          print "L", task, parts[3], parts[4], parts[6], lives[task]
        }
        return
      }
      why = ""
      file = "jobs/" name "/why"
      getline why < file
      close(file)
      print "J", name, tasks, single
      first = 1
      word = state(1)
      for (task = 2; task <= tasks + 1; task++) {
        next_word = task <= tasks ? state(task) : ""
        if (next_word != word) {
          print "T", first, task - 1, word
          first = task
          word = next_word
        }
      }
      print "Z"
    }
    BEGIN { has_proc = (getline line < "/proc/self/stat") > 0 }
    { describe($1) }'
}

# JOB FIRST LAST: tasks that somebody has taken, of which the log says nothing.
list_unnamed() {
  # Not so many that find(1) would be better.
  # shellcheck disable=SC2012
  ls "jobs/$1/t" 2>/dev/null | awk -v file="jobs/$1/log" -v first="$2" -v last="$3" '
    BEGIN {
      while ((getline line < file) > 0) if (match(line, /[SCGN] [^A-Z]* \.$/)) {
        split(substr(line, RSTART), parts, " ")
        known[parts[2]] = 1
      }
    }
    $1 + 0 >= first + 0 && $1 + 0 <= last + 0 && !($1 in known)'
}

# Reads "NAME@HOST ..." and prints "NAME ..." of what is here.
own() {
  while read -r id words; do
    case $id in
    *@"$host") echo "${id%@*} $words" ;;
    esac
  done
}

status() {
  ensure_keeper
  cd "$spool" || unable "cannot enter $spool"
  own | report all | translate
  say "end list"
}

translate() {
  while read -r kind a b c d; do
    case $kind in
    J)
      name=$a kind_of=$c
      ;;
    T)
      tasks=$a-$b
      [ "$kind_of" = array ] || tasks=-
      say "task $name@$host $tasks $c $d"
      ;;
    esac
  done
}
