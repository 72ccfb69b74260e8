# Says what is below the folder $1, in the form that FileManifest.init(text:) reads. For any POSIX shell; it needs find,
# sed, od, tr, readlink, and sha256sum, shasum or cksum.
#
# Plain names stand as they are behind "./", to the end of the line. Names with a newline, a carriage return or a
# backslash, at which the hash programs begin to differ, are spelled in hexadecimal, one by one; those are few.
LC_ALL=C
export LC_ALL
unset CDPATH
if command -v sha256sum >/dev/null 2>&1; then
  kind=sha256 sum='sha256sum'
elif command -v shasum >/dev/null 2>&1; then
  kind=sha256 sum='shasum -a 256'
else
  kind=cksum sum='cksum'
fi
printf 'sweepq-manifest 1 %s\n' "$kind"
if [ ! -d "$1" ]; then
  printf 'none\nend 0\n'
  exit 0
fi
status=0
cd "$1" || status=1
if [ "$status" -ne 0 ]; then
  printf 'end 1\n'
  exit 1
fi
newline='
'
carriage=$(printf '\r')
export newline carriage
plain() {
  find . ! -name . ! -path "*$newline*" ! -path "*$carriage*" ! -path '*\\*' "$@" || status=1
}
# shellcheck disable=SC2016  # for another shell
spell='hex() { od -An -v -tx1 | tr -d " \n"; }
for f do
  if [ -h "$f" ]; then
    # Of the newlines at its end a substitution would leave none.
    t=$(readlink "$f" && printf x) || exit 1
    t=${t%x}
    t=${t%"$newline"}
    case $f$t in
    *"$newline"* | *"$carriage"* | *\\*)
      printf "l %s %s\n" "$(printf %s "$f" | hex)" "$(printf "%s\n" "$t" | hex)" ;;
    *) printf "k %s\nK %s\n" "$f" "$t" ;;
    esac
  elif [ -d "$f" ]; then
    printf "D %s\n" "$(printf %s "$f" | hex)"
  elif [ -f "$f" ]; then
    x=-
    [ -z "$(find "$f" -prune -perm -100)" ] || x=x
    h=$($0 <"$f") || exit 1
    printf "F %s %s %s\n" "$x" "$(printf %s "$f" | hex)" "$h"
  else
    printf "S %s\n" "$(printf %s "$f" | hex)"
  fi
done'
# shellcheck disable=SC2086  # a command and its arguments
plain -type f -exec $sum {} +
plain -type f -perm -100 -print | sed 's/^/x /'
plain -type d -print | sed 's/^/d /'
plain ! -type f ! -type d -exec sh -c "$spell" "$sum" {} +
find . ! -name . \( -path "*$newline*" -o -path "*$carriage*" -o -path '*\\*' \) -exec sh -c "$spell" "$sum" {} + ||
  status=1
printf 'end %s\n' "$status"
