import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// One process as `/proc` shows it.
struct ProcessEntry {
  var identity: ProcessIdentity
  var parent: Int32
  var session: Int32
  /// The attempt its environment names; nil if none, or not ours to read.
  var token: String?

  /// Reads `/proc/PID/stat`; nil if the process is gone or is only waiting to be collected.
  static func read(_ pid: Int32) -> ProcessEntry? {
    guard let bytes = readSmallFile("/proc/\(pid)/stat", limit: 4096) else { return nil }
    // The second field is the command's name in brackets and may itself hold anything.
    guard let close = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
    // Counted from field 3: state, ppid, pgrp, session …; the birth is field 22.
    guard fields.count > 19, let state = fields[0].first else { return nil }
    if state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") { return nil }
    guard let parent = Int32(String(decoding: fields[1], as: UTF8.self)),
      let session = Int32(String(decoding: fields[3], as: UTF8.self)),
      let born = UInt64(String(decoding: fields[19], as: UTF8.self))
    else { return nil }
    return ProcessEntry(
      identity: ProcessIdentity(pid: pid, born: born), parent: parent, session: session, token: nil)
  }

  /// The birth of a process, also of one that has ended and is not collected yet.
  static func birth(_ pid: Int32) -> UInt64? {
    guard let bytes = readSmallFile("/proc/\(pid)/stat", limit: 4096),
      let close = bytes.lastIndex(of: UInt8(ascii: ")"))
    else { return nil }
    let fields = bytes[(close + 1)...].split(separator: UInt8(ascii: " "))
    return fields.count > 19 ? UInt64(String(decoding: fields[19], as: UTF8.self)) : nil
  }
}

/// All processes at about one moment, with the attempt that each belongs to by its environment.
struct ProcessSnapshot {
  private(set) var entries: [Int32: ProcessEntry] = [:]
  private var children: [Int32: [Int32]] = [:]
  private var sessions: [Int32: [Int32]] = [:]
  private var tokens: [String: [Int32]] = [:]

  static func take() -> ProcessSnapshot {
    var snapshot = ProcessSnapshot()
    guard let folder = opendir("/proc") else { return snapshot }
    defer { closedir(folder) }
    let own = getpid()
    while let item = readdir(folder) {
      let pid = withUnsafePointer(to: &item.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { Int32(String(cString: $0)) }
      }
      // Neither this process nor the first one nor the kernel's own threads belong to any attempt.
      guard let pid, pid > 2, pid != own, var entry = ProcessEntry.read(pid), entry.parent != 2 else {
        continue
      }
      entry.token = token(of: pid)
      snapshot.entries[pid] = entry
      snapshot.children[entry.parent, default: []].append(pid)
      snapshot.sessions[entry.session, default: []].append(pid)
      if let token = entry.token { snapshot.tokens[token, default: []].append(pid) }
    }
    return snapshot
  }

  private static let mark = Array("\(attemptTokenVariable)=".utf8)

  private static func token(of pid: Int32) -> String? {
    guard let bytes = readSmallFile("/proc/\(pid)/environ", limit: 16 << 20) else { return nil }
    return bytes.withUnsafeBytes { block in
      var place = 0
      while place < block.count {
        guard
          let found = sq_find(block.baseAddress! + place, block.count - place, mark, mark.count)
        else { return nil }
        let start = found - block.baseAddress!
        if start == 0 || block[start - 1] == 0 {
          let value = block[(start + mark.count)...].prefix { $0 != 0 }
          return String(decoding: value, as: UTF8.self)
        }
        place = start + 1
      }
      return nil
    }
  }

  /// The living processes of an attempt: those whose environment names it, its session, and all their descendants.
  ///
  /// - Parameters:
  ///   - leader: the command's own process, which leads the session.
  ///   - known: processes found earlier; those still alive belong to it, whatever they have become.
  func members(
    token: AttemptToken, leader: ProcessIdentity?, known: Set<ProcessIdentity> = []
  ) -> Set<ProcessIdentity> {
    var roots = tokens[token.rawValue] ?? []
    for identity in known where entries[identity.pid]?.identity == identity { roots.append(identity.pid) }
    if let leader {
      if entries[leader.pid]?.identity == leader { roots.append(leader.pid) }
      // Once the leader has gone its number may name another session; a member found otherwise vouches for it.
      let proven = roots.contains { entries[$0]?.session == leader.pid }
      if proven { roots += sessions[leader.pid] ?? [] }
    }
    var members: Set<ProcessIdentity> = []
    while let pid = roots.popLast() {
      guard let entry = entries[pid], members.insert(entry.identity).inserted else { continue }
      roots += children[pid] ?? []
    }
    return members
  }
}
