import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// The marks around what a script says on another host, by which its own words and its own end are told from those of
/// start-up files, banners, ssh, and a connection that broke.
///
/// The only command line there is ``command(shell:)``; the script follows on standard input, where nobody else sees it and no
/// limit holds. It is sent only after the shell there has said that it is ready to read: what ends before that has
/// certainly done nothing.
struct HostFrame {
  /// A word that nothing else can contain.
  let mark: String

  init() {
    var generator = SystemRandomness()
    let (high, low): (UInt64, UInt64) = (generator.next(), generator.next())
    mark = "sweepq-" + String(high, radix: 36) + String(low, radix: 36)
  }

  /// For whatever shell the user there has: plain words, and in single quotes nothing that csh or fish would read in a way
  /// of its own.
  func command(shell: String) -> String {
    "exec \(shell) -c 'echo \(mark) ready >&2; read -r s && eval \"$s\"'"
  }

  /// What is to be sent in front of the script's input. The first line reads the script, which is acted on only when all
  /// of it has come.
  func text(of script: String) -> String {
    let reading =
      "n=$(printf '\\nx'); n=${n%x}; s=; while IFS= read -r l; do "
      + "if [ \"$l\" = '\(mark) run' ]; then echo '\(mark) begin'; echo '\(mark) begin' >&2; "
      + "( eval \"$s\" ); s=$?; echo \"${n}\(mark) end $s\" >&2; echo \"${n}\(mark) end $s\"; exit \"$s\"; fi; "
      + "s=$s$l$n; done; exit 81"
    return "\(reading)\n\(script)\n\(mark) run\n"
  }

  func isReady(_ errors: [UInt8]) -> Bool { Self.find(Array("\(mark) ready\n".utf8), in: errors[...]) != nil }

  /// What stands between the marks, and the status in the second of them; nil if the script has not begun.
  func body(of bytes: [UInt8]) -> (body: [UInt8], status: Int32?)? {
    guard let start = opening(in: bytes) else { return nil }
    guard let (end, status) = closing(in: bytes), end >= start else { return (Array(bytes[start...]), nil) }
    return (Array(bytes[start..<end]), status)
  }

  /// Where what the script says begins.
  func opening(in bytes: [UInt8]) -> Int? {
    let mark = Array("\(mark) begin\n".utf8)
    return Self.find(mark, in: bytes[...]).map { $0 + mark.count }
  }

  /// Where it ends, and the status; nil unless the mark has come whole.
  func closing(in bytes: [UInt8]) -> (Int, Int32)? {
    let mark = Array("\n\(mark) end ".utf8)
    guard let end = Self.find(mark, in: bytes[...]) else { return nil }
    let tail = bytes[(end + mark.count)...]
    guard let newline = tail.firstIndex(of: UInt8(ascii: "\n")),
      let status = Int32(String(decoding: tail[..<newline], as: UTF8.self))
    else { return nil }
    return (end, status)
  }

  private static func find(_ needle: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    bytes.withUnsafeBytes { hay in
      needle.withUnsafeBytes { what in
        sq_find(hay.baseAddress, hay.count, what.baseAddress, what.count).flatMap { place in
          hay.baseAddress.map { place - $0 + bytes.startIndex }
        }
      }
    }
  }
}
