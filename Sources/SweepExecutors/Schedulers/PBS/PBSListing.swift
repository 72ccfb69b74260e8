/// One job, queue or server of a long listing.
struct PBSRecord {
  enum Kind {
    case job
    case queue
    case server
  }

  var kind: Kind
  var name: String
  /// Names in lower case, since Torque writes `exit_status`; what PBS nests in JSON stands with a dot, as in its text.
  private(set) var attributes: [String: String] = [:]
  /// Something stands behind it: its last line is really the last.
  fileprivate(set) var isWhole = true

  init(kind: Kind, name: String) {
    self.kind = kind
    self.name = name
  }

  subscript(_ attribute: String) -> String? { attributes[attribute] }

  /// A second one of the same name is not a part of the listing but of a value with line breaks: the first one stays.
  mutating func add(_ attribute: String, _ value: String) {
    if attributes[attribute] == nil { attributes[attribute] = value }
  }

  /// What is kept of a job: an array has thousands of members, with some fifty attributes each.
  static let jobAttributes: Set<String> = [
    "job_name", "job_owner", "job_state", "queue", "comment", "exit_status", "substate", "exec_host",
    "resources_used.walltime", "resources_used.cput", "resources_used.mem",
  ]

  func keeps(_ attribute: String) -> Bool { kind != .job || Self.jobAttributes.contains(attribute) }
}

/// Reads `qstat -f`, of jobs, queues (`-Q`) and servers (`-B`), as text or JSON.
enum PBSListing {
  /// - Returns: nil if `output` holds JSON that cannot be read.
  static func read(_ output: String) -> [PBSRecord]? {
    let start = output.utf8.first { $0 > 0x20 }
    guard start == UInt8(ascii: "{") else { return text(output) }
    return LenientJSON(firstObjectIn: output).map(json)
  }

  private static let headings: [(prefix: String, kind: PBSRecord.Kind)] = [
    ("Job Id:", .job), ("Queue:", .queue), ("Server:", .server),
  ]

  private static func text(_ output: String) -> [PBSRecord] {
    var records: [PBSRecord] = []
    var name = ""
    var value: [Substring] = []
    func finish() {
      if let last = records.indices.last, !name.isEmpty, records[last].keeps(name) {
        records[last].add(name, value.joined())
      }
      name = ""
    }
    for bytes in output.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
      let line = Substring(bytes)
      // Each record ends in a blank line.
      if bytes.isEmpty, let last = records.indices.last { records[last].isWhole = true }
      if bytes.first == 0x09 {
        // A value is folded where the line gets too long, in the middle of words.
        value.append(line.dropFirst())
      } else if bytes.starts(with: "    ".utf8), let attribute = attribute(line.dropFirst(4)) {
        finish()
        name = attribute.name
        value = [attribute.value]
      } else if let heading = headings.first(where: { bytes.starts(with: $0.prefix.utf8) }) {
        finish()
        let title = line.dropFirst(heading.prefix.count).filter { !$0.isWhitespace }
        if let last = records.indices.last { records[last].isWhole = true }
        records.append(PBSRecord(kind: heading.kind, name: title))
        records[records.count - 1].isWhole = false
      } else if !bytes.isEmpty, !name.isEmpty {
        // A line break in the value itself, which is written as it is.
        value += ["\n", line]
      }
    }
    finish()
    return records
  }

  private static func attribute(_ line: Substring) -> (name: String, value: Substring)? {
    let name = line.utf8.prefix { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "=") }
    let rest = line.utf8[name.endIndex...]
    guard !name.isEmpty, rest.starts(with: " =".utf8) else { return nil }
    return (Substring(name).lowercased(), Substring(rest.dropFirst(2).drop { $0 == 0x20 }))
  }

  private static func json(_ document: LenientJSON) -> [PBSRecord] {
    let kinds: [(String, PBSRecord.Kind)] = [("Jobs", .job), ("Queue", .queue), ("Server", .server)]
    return kinds.flatMap { name, kind in
      (document[name]?.members ?? []).map { member in
        var record = PBSRecord(kind: kind, name: member.name)
        for attribute in member.value.members {
          add(attribute.name.lowercased(), attribute.value, to: &record)
        }
        return record
      }
    }
  }

  private static func add(_ name: String, _ value: LenientJSON, to record: inout PBSRecord) {
    switch value {
    case .text(let text): if record.keeps(name) { record.add(name, text) }
    case .object(let members):
      for member in members { add("\(name).\(member.name.lowercased())", member.value, to: &record) }
    case .list: break
    }
  }
}
