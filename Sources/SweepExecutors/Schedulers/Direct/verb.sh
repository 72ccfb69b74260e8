# shellcheck shell=sh disable=SC2034,SC2154
# What is asked for.

case $verb in
submit) submit "$@" ;;
status) status ;;
find) find_jobs ;;
queue) list_queue ;;
limits) limits "$@" ;;
devices) list_devices ;;
news) await_news "$@" ;;
cancel | hold | release) control "$verb" ;;
keeper) keep ;;
ticker) tick "$@" ;;
end) end_tasks "$@" ;;
*) unable "$verb is no word here" ;;
esac
