import Glibc
import SweepModel
import Testing

/// Values must reach the command unchanged through real shells, wherever the placeholder stands.
@Suite struct ShellRoundTripTests {
  /// What the command prints, byte by byte.
  private func output(of arguments: [String], shell: String) throws -> [UInt8] {
    var path = Array("/tmp/sweepq-shell-XXXXXX".utf8CString)
    let file = mkstemp(&path)
    try #require(file >= 0)
    defer {
      close(file)
      unlink(path)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, file, 1)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    var vector: [UnsafeMutablePointer<CChar>?] = ([shell] + arguments.dropFirst()).map { strdup($0) } + [nil]
    defer { vector.forEach { free($0) } }
    var child: pid_t = 0
    try #require(posix_spawn(&child, shell, &actions, nil, &vector, environ) == 0)
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    try #require(status == 0)
    let size = lseek(file, 0, SEEK_END)
    var bytes = [UInt8](repeating: 0, count: Int(size))
    try #require(pread(file, &bytes, bytes.count, 0) == bytes.count)
    return bytes
  }

  @Test(arguments: ["/bin/sh", "/bin/bash"]) func valuesArriveUnchanged(shell: String) throws {
    guard access(shell, X_OK) == 0 else { return }
    let template = CommandTemplate(
      arguments: [
        #"show() { for x; do printf '%s\036' "$x"; done; }; show {a} "{a}" '{a}' x{a}y "x{a}y" "$(printf %s {a}.)" "#
          + #"$(: it\'s; printf %s\\n "$0" >/dev/null) "\"{a}" {params} {flags}; # it's {{a}}"#
      ], usesShell: true)
    try template.validate(names: ["a", "b"])
    var generator = SeededGenerator(seed: 10)
    var values = (0..<150).map { _ in generator.text(upTo: 30) }
    values += ["", "'", "''", "\\", "\n", "$(exit 3)", "`exit 3`", "-n", "*", "~", "a\\'b", "!!"]
    for value in values {
      let point = Point([("a", .text(value)), ("b", .boolean(true))])
      let arguments = template.render(point, job: JobID(rawValue: 1), index: 0)
      let words = [
        value, value, value, "x\(value)y", "x\(value)y", "\(value).", "\"\(value)", "a=\(value)", "b=true",
        "--a",
        value, "--b",
      ]
      let expected = Array(words.map { $0 + "\u{1E}" }.joined().utf8)
      #expect(try output(of: arguments, shell: shell) == expected, "\(value.debugDescription)")
    }
  }

  @Test func arithmeticIsPossible() throws {
    let template = CommandTemplate(
      arguments: ["printf %s \"$(( ({n} + 1) * 2 ))\" $(({n}<<1))"], usesShell: true)
    try template.validate(names: ["n"])
    let arguments = template.render(Point([("n", .integer(20))]), job: JobID(rawValue: 1), index: 0)
    #expect(String(decoding: try output(of: arguments, shell: "/bin/sh"), as: UTF8.self) == "4240")
  }
}
