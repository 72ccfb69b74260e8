import SweepModel

/// What a gate file says, read so that nothing in it can mislead: torn lines, junk and other attempts' lines.
struct GateContents: Equatable {
  var start: StartRecord?
  var exit: ExitRecord?
  var isVoid = false
  /// It holds a line of another attempt, of a later format, or bytes that none of our writers could have left.
  var isForeign = false
  /// No byte has been written: whoever created it has not gone on yet, or never will.
  var isEmpty = false

  /// The longest gate of ours is far shorter; whatever follows is not read.
  static let limit = 65_536

  init(_ bytes: [UInt8], token: AttemptToken) {
    isEmpty = bytes.isEmpty
    var understood = false
    var tail = bytes[...]
    while let newline = tail.firstIndex(of: UInt8(ascii: "\n")) {
      if read(line: tail[..<newline], token) { understood = true }
      tail = tail[(newline + 1)...]
    }
    // A first line that a crash cut short forbids nothing and proves nothing, if it is ours.
    if !understood, !isEmpty, !Self.isTornOwnLine(bytes) { isForeign = true }
  }

  /// - Returns: whether the line is whole and of a known kind.
  private mutating func read(line: ArraySlice<UInt8>, _ token: AttemptToken) -> Bool {
    guard line.suffix(2).elementsEqual(" .".utf8) else { return false }
    let words = String(decoding: line.dropLast(2), as: UTF8.self).split(separator: " ")
    guard let kind = words.first, ["start", "pid", "exit", "void"].contains(kind) else { return false }
    var fields: [Substring: Substring] = [:]
    for word in words.dropFirst() {
      guard let equals = word.firstIndex(of: "=") else { continue }
      fields[word[..<equals]] = word[word.index(after: equals)...]
    }
    guard let named = fields["token"], named == token.rawValue, fields["v", default: "1"] == "1" else {
      isForeign = true
      return true
    }
    switch kind {
    case "start": if start == nil { start = StartRecord(fields, token) }
    case "pid":
      if let pid = fields["pid"].flatMap({ Int32($0) }), let born = fields["born"].flatMap({ UInt64($0) }) {
        start?.leader = ProcessIdentity(pid: pid, born: born)
      }
    case "exit": if exit == nil { exit = ExitRecord(fields) }
    default: isVoid = true
    }
    return true
  }

  private static func isTornOwnLine(_ bytes: [UInt8]) -> Bool {
    ["start v=1 token=", "exit v=1 token=", "void v=1 token="].contains { prefix in
      zip(bytes, prefix.utf8).allSatisfy { $0 == $1 }
    }
  }
}

extension StartRecord {
  fileprivate init?(_ fields: [Substring: Substring], _ token: AttemptToken) {
    guard let host = fields["host"].flatMap(GateLine.unescape),
      let boot = fields["boot"].flatMap(GateLine.unescape),
      let at = fields["at"].flatMap({ Int64($0) }),
      let supervisor = fields["supervisor"].flatMap({ Int32($0) })
    else { return nil }
    self.init(
      token: token, host: host, bootID: boot, startedAt: Timestamp(rawValue: at), supervisor: supervisor,
      schedulerJob: fields["job"].flatMap(GateLine.unescape))
  }
}

extension ExitRecord {
  fileprivate init?(_ fields: [Substring: Substring]) {
    func number(_ name: Substring) -> Int64? { fields[name].flatMap { Int64($0) } }
    guard let start = number("start"), let end = number("end"), let user = number("user"),
      let system = number("system"), let rss = number("rss"),
      let ending = fields["why"].flatMap({ Ending(rawValue: String($0)) })
    else { return nil }
    self.init(
      exitCode: fields["code"].flatMap { Int32($0) }, signal: fields["signal"].flatMap { Int32($0) },
      startedAt: Timestamp(rawValue: start), endedAt: Timestamp(rawValue: end), userMicroseconds: user,
      systemMicroseconds: system, maxResidentBytes: rss, ending: ending,
      launchError: fields["error"].flatMap(GateLine.unescape))
    guard exitCode != nil || signal != nil || launchError != nil else { return nil }
  }
}
