# shellcheck shell=bash
# Puts a Swift toolchain of at least 6.2 on PATH, or ends with a sentence that says how to get one.
# Sourced by the other tools; changes PATH only when `swift` is not on it already.

if ! command -v swift >/dev/null 2>&1 && [ -x /opt/swift/usr/bin/swift ]; then
  PATH="$PATH:/opt/swift/usr/bin"
  export PATH
fi
if ! command -v swift >/dev/null 2>&1; then
  echo "${0##*/}: there is no swift on PATH nor in /opt/swift/usr/bin. Install Swift 6.2 or later from https://www.swift.org/install/linux/ and add its usr/bin to PATH." >&2
  exit 69
fi
swift_version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
if [ -z "$swift_version" ]; then
  echo "${0##*/}: $(command -v swift) does not run here (swift --version said nothing). Run tools/setup for the libraries it needs, or install it again." >&2
  exit 69
fi
if [ "${swift_version%%.*}" -lt 6 ] || { [ "${swift_version%%.*}" -eq 6 ] && [ "${swift_version#*.}" -lt 2 ]; }; then
  echo "${0##*/}: $(command -v swift) is version $swift_version and 6.2 is needed. Install a later one from https://www.swift.org/install/linux/ and put its usr/bin first on PATH." >&2
  exit 69
fi
