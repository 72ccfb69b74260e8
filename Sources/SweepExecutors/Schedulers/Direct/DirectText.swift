/// The shell text that makes a scheduler of a host.
enum DirectText {
  /// All of it, as it is kept in the spool.
  static let whole = [
    PackageResources.task_sh, PackageResources.spool_sh, PackageResources.report_sh,
    PackageResources.control_sh,
    PackageResources.keeper_sh, PackageResources.verb_sh,
  ].map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")

  /// Its name in the spool: another for every other text, since a keeper may still be reading the one before.
  static let fileName: String = {
    // FNV-1a: only to be different.
    let sum = whole.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return "direct-\(String(sum, radix: 16)).sh"
  }()

  /// What the shell reads that is called as `sh -s SPOOL VERB …`.
  ///
  /// - Parameters:
  ///   - shell: The words by which the shell is called.
  ///   - input: What the verb reads.
  static func call(shell: String, input: String) -> String {
    let end = mark("SWEEPQ_INPUT_ENDS", notIn: input)
    let textEnd = mark("SWEEPQ_TEXT_ENDS", notIn: whole)
    return """
      umask 077
      spool=$1
      case $spool in
      '~/'*) spool=${HOME-}/${spool#??} ;;
      esac
      spool=$spool/$(uname -n) text=$spool/\(fileName)
      shift
      if ! [ -f "$text" ]; then
      mkdir -p "$spool" 2>/dev/null
      if ! { cat >"$text.$$" && mv -f "$text.$$" "$text"; } 2>/dev/null; then
      rm -f "$text.$$"
      echo "+sweepq unable cannot write to $spool ."
      exit 0
      fi <<'\(textEnd)'
      \(whole)\(textEnd)
      fi
      export SWEEPQ_DIRECT_SHELL='\(shell)'
      exec \(shell) "$text" "$spool" "$@" <<'\(end)'
      \(input)\(input.isEmpty || input.hasSuffix("\n") ? "" : "\n")\(end)

      """
  }

  private static func mark(_ word: String, notIn text: String) -> String {
    var mark = word
    while text.contains(mark) { mark += "_" }
    return mark
  }
}
