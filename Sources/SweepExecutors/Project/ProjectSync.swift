import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Keeps the copy of a project folder on another host as the folder is here.
///
/// Changes of each side are told apart by what both had last agreed on. What was changed here is sent; what was changed there
/// stops everything before anything is done, until a person has said which side is right. What is there beside, such as jobs'
/// outputs, is left alone. For one at a time: its callers hold ``lockName`` of the queue.
package struct ProjectSync: Sendable {
  /// What is wanted.
  package struct Wish: Sendable {
    /// Nothing is changed, here or there.
    package var isDryRun = false
    /// Every file is read on both sides, whatever is remembered of it.
    package var isThorough = false
    package var winner: ProjectComparison.Winner?
    /// What was removed here is removed there, also where the settings do not say so.
    package var deletes = false
    /// Files there may be changed; otherwise it is only found out whether they would be.
    package var mayChange = true

    package init() {}
  }

  /// What became of it.
  package struct Report: Sendable {
    package var folder: String
    /// Absolute there, without a link on the way where it is there already.
    package var copy: String
    /// There was none.
    package var isNew = false
    package var comparison: ProjectComparison
    /// What is there and was never brought there from here; nil where it was not counted.
    package var others: Int?
    /// What is here and is never brought anywhere: pipes, sockets, devices.
    package var special: [RelativePath] = []
    /// Bytes of what is, or would be, sent.
    package var size: Int64 = 0
    /// When both had last agreed; nil where they never had.
    package var agreedAt: Timestamp?
    /// Both sides agree now.
    package var isDone = false
  }

  /// What is remembered between two times, so that little must be read.
  package struct Memory: Sendable {
    fileprivate var isLoaded = false
    fileprivate var scan: ProjectScan?
    fileprivate var record: ProjectRecord?
    /// Of the record of that generation.
    fileprivate var stamp: (generation: String, text: String)?
    /// What is on the disk, by its generation and its text.
    fileprivate var saved: (record: String?, stamp: String?) = (nil, nil)

    package init() {}
  }

  package struct Cancelled: Error {
    package init() {}
  }

  /// The executor's name, for messages.
  package let name: String
  let settings: ProjectSettings
  let exclusions: ProjectExclusions
  /// Absolute, without a link on the way.
  package let folder: String
  /// Absolute there, as it was given.
  package let copy: String
  let root: String
  let queueFolder: String
  private let key: String

  /// Bytes and names of one parcel.
  static let parcelSize: Int64 = 64 << 20
  static let parcelCount = 10_000

  /// - Parameters:
  ///   - destination: of the host, as ssh takes it.
  ///   - root: of the executor, absolute there.
  ///   - home: there.
  /// - Throws: ``QueueError`` with `configuration` when there is no such folder here.
  package init(
    executor name: String, settings: ProjectSettings, destination: String, root: String, home: String,
    queueFolder: String, localHome: String
  ) throws {
    self.name = name
    self.settings = settings
    self.root = root
    self.queueFolder = queueFolder
    exclusions = try ProjectExclusions(settings.exclusions)
    let folder = settings.localFolder(home: localHome)
    guard let real = realpath(folder, nil) else {
      throw QueueError(
        .configuration, "the project folder \(folder) of \(name) is not there: \(systemMessage(errno))",
        remedy: "Make it, or correct 'sync' of \(name)")
    }
    defer { free(real) }
    self.folder = String(cString: real)
    copy = settings.copyFolder(home: home, root: root)
    var hash = SHA256()
    Array("\(destination)\n\(copy)".utf8).withUnsafeBytes { hash.update($0) }
    key = Hexadecimal.text(hash.finish().prefix(8))
  }

  /// Of the lock that keeps others of this queue away from this copy.
  package var lockName: String { "project-\(key)" }

  /// Where a folder here has its copy there; nil for one that is not part of the project.
  package func place(of path: String, copy: String) -> String? {
    ProjectPlace.path(of: path, below: folder).map { $0.isEmpty ? copy : "\(copy)/\($0)" }
  }

  /// - Parameter check: called now and then; what it throws ends the work.
  /// - Throws: ``QueueError``: `unavailable` when the host does not answer, `busy` when files change all the time;
  ///   ``FileTrouble`` for files here.
  package func run(
    _ wish: Wish, on host: SSHHost, memory: inout Memory, meanwhile check: () throws -> Void = {}
  ) throws -> Report {
    if mkdir(state, 0o700) != 0, errno != EEXIST { try AttemptFolder(path: state).create() }
    let remote = ProjectHost(host: host, root: root, copy: copy)
    for _ in 1...3 {
      load(&memory)
      do { return try once(wish, remote, &memory, check) } catch is Unsteady { continue }
    }
    throw QueueError(
      .busy, "\(folder) is being changed while it is copied to \(name)",
      remedy: "Try again when it is at rest")
  }

  /// A file was changed while it was being sent.
  private struct Unsteady: Error {}

  private func once(
    _ wish: Wish, _ remote: ProjectHost, _ memory: inout Memory, _ check: () throws -> Void
  ) throws -> Report {
    let opened = try remote.open(known: memory.record?.generation, meanwhile: check)
    let record = try recalled(opened, memory, wish)
    let scan = try ProjectScan(
      folder, leavingOut: exclusions, avoiding: queueFolder, kind: opened.kind,
      known: wish.isThorough ? nil : memory.scan, meanwhile: check)
    memory.scan = scan
    let known = (record?.paths ?? []).filter { !isExcluded($0, record) }
    let (there, others, stamp) = try look(opened, record, known, scan, memory, wish, remote, check)
    var base = record?.agreed(seeing: there) ?? FileManifest()
    if record?.kind != opened.kind { base = FileManifest() }
    for path in base.paths where !known.contains(path) { base[path] = nil }
    let deletes = settings.deletes || wish.deletes
    let comparison = ProjectComparison(
      here: scan.manifest, there: there, base: base, winner: wish.winner, deletes: deletes)
    if deletes, scan.manifest.isEmpty, !base.isEmpty, !wish.deletes {
      throw QueueError(
        .badData, "\(folder) is empty, and its copy on \(name) would be emptied as well",
        remedy: "If that is meant: sweepq executors sync \(name) --delete")
    }
    var report = Report(folder: folder, copy: opened.path ?? copy, comparison: comparison)
    report.isNew = opened.path == nil
    report.others = others
    report.special = scan.special
    report.size = comparison.sent.reduce(0) { $0 + (scan.manifest[$1]?.size ?? 0) }
    report.agreedAt = record?.at
    if wish.isDryRun || !comparison.differences.isEmpty {
      save(&memory)
      return report
    }
    var wanted = ProjectRecord(source: source, kind: opened.kind, agreed: comparison.agreed)
    if comparison.isAgreement, let record, record.isSettled, opened.generation == record.generation,
      record.source == source, record.agreed.text(kind: record.kind) == wanted.agreed.text(kind: wanted.kind)
    {
      memory.record = record
      memory.stamp = stamp.map { (record.generation, $0) }
    } else {
      if !comparison.isAgreement, !wish.mayChange {
        save(&memory)
        return report
      }
      if !comparison.fetched.isEmpty || !comparison.discarded.isEmpty {
        try bring(comparison, remote, check)
      }
      let after = try send(comparison, scan, record, opened, &wanted, remote, check)
      memory.record = wanted
      memory.stamp = after.map { (wanted.generation, $0) }
      report.agreedAt = wanted.at
    }
    report.isDone = true
    save(&memory)
    if report.isNew { report.copy = try remote.open(known: wanted.generation, meanwhile: check).path ?? copy }
    return report
  }

  /// What is known of the copy.
  private func recalled(_ opened: ProjectHost.Opened, _ memory: Memory, _ wish: Wish) throws -> ProjectRecord?
  {
    guard opened.path != nil else { return nil }
    // Where it is lost there, this side's will do.
    let record = opened.record ?? memory.record
    if let record, record.source != source, wish.winner != .here {
      throw QueueError(
        .configuration, "\(opened.path ?? copy) on \(name) is a copy of another folder: \(record.source)",
        remedy: "Give this one a place of its own ('to' of 'sync'), or take over that one: "
          + "sweepq executors sync \(name) --overwrite")
    }
    return record
  }

  private var source: String { "\(HostIdentity.hostname):\(folder)" }

  private func isExcluded(_ path: RelativePath, _ record: ProjectRecord?) -> Bool {
    let entry = record?.agreed[path] ?? record?.sending[path] ?? record?.removing[path]
    return exclusions.covers(path, isFolder: entry?.kind == .folder)
  }

  /// What is there of all that matters. Where nothing that was agreed on was changed since, only of the rest.
  private func look(
    _ opened: ProjectHost.Opened, _ record: ProjectRecord?, _ known: Set<RelativePath>, _ scan: ProjectScan,
    _ memory: Memory, _ wish: Wish, _ remote: ProjectHost, _ check: () throws -> Void
  ) throws -> (there: FileManifest, others: Int?, stamp: String?) {
    guard opened.path != nil else { return (FileManifest(), nil, nil) }
    let size = scan.manifest.size
    if !wish.isThorough, !wish.isDryRun, let record, record.isSettled, record.kind == opened.kind,
      let stamp = opened.stamp, let old = memory.stamp, old == (record.generation, stamp)
    {
      let new = scan.manifest.paths.filter { record.agreed[$0] == nil }
      var there = record.agreed
      if !new.isEmpty {
        there.entries.merge(try remote.look(new, size: size, meanwhile: check).manifest.entries) { $1 }
      }
      return (there, nil, stamp)
    }
    let names = known.union(scan.manifest.entries.keys).sorted()
    let view = try remote.look(names, size: size, meanwhile: check)
    let own = view.manifest.entries.values.count { $0.kind != .folder }
    return (view.manifest, names.isEmpty ? nil : max(0, view.count - own), view.stamp)
  }

  /// - Returns: the new stamp.
  private func send(
    _ comparison: ProjectComparison, _ scan: ProjectScan, _ record: ProjectRecord?,
    _ opened: ProjectHost.Opened, _ wanted: inout ProjectRecord, _ remote: ProjectHost,
    _ check: () throws -> Void
  ) throws -> String? {
    var first = ProjectRecord(source: source, kind: opened.kind, agreed: FileManifest())
    // What is still as it was agreed on, before anything is sent.
    first.agreed = comparison.agreed
    for path in comparison.sent {
      first.sending[path] = scan.manifest[path]
      first.agreed[path] = record?.agreed[path]
    }
    for path in comparison.removed {
      first.removing[path] = record?.agreed[path] ?? FileManifest.Entry(kind: .folder)
      if comparison.agreed[path] == nil { first.agreed[path] = record?.agreed[path] }
    }
    var parcels = batches(comparison.sent, scan.manifest)
    parcels[0].removed = comparison.removed
    parcels[0].folders = comparison.sent.filter { scan.manifest[$0]?.kind == .folder }
    parcels[0].first = first
    parcels[parcels.count - 1].last = wanted
    var generation = opened.generation
    var stamp: String?
    for parcel in parcels {
      let packed: ProjectParcel.Packed
      do {
        packed = try parcel.pack(folder, spool: state, meanwhile: check)
      } catch let error as QueueError where error.code == .inputOutput {
        if try scan.firstChange(of: parcel.files, below: folder) != nil { throw Unsteady() }
        throw error
      }
      // What was packed is what was hashed.
      if try scan.firstChange(of: parcel.files, below: folder) != nil { throw Unsteady() }
      FaultPoint.reach(.projectPacked)
      stamp = try remote.send(packed, known: generation, meanwhile: check)
      FaultPoint.reach(.projectSent)
      generation = first.generation
    }
    return stamp
  }

  private func batches(_ paths: [RelativePath], _ manifest: FileManifest) -> [ProjectParcel] {
    var parcels = [ProjectParcel()]
    var size: Int64 = 0
    for path in paths {
      guard let entry = manifest[path], entry.kind != .folder else { continue }
      let last = parcels.count - 1
      let isFull =
        size + entry.size > Self.parcelSize || parcels[last].files.count >= Self.parcelCount
      if !parcels[last].files.isEmpty, isFull {
        parcels.append(ProjectParcel())
        size = 0
      }
      parcels[parcels.count - 1].files.append(path)
      size += entry.size
    }
    return parcels
  }

  // MARK: Memory

  /// Ours, below the queue's folder.
  var state: String { "\(queueFolder)/projects/\(key)" }

  private func load(_ memory: inout Memory) {
    guard !memory.isLoaded else { return }
    memory.isLoaded = true
    for name in (try? AttemptFolder(path: state).entries()) ?? []
    where name.hasPrefix(AttemptFolder.unfinishedPrefix) {
      try? TreeRemoval.remove("\(state)/\(name)")
    }
    func read(_ name: String) -> [UInt8]? { readSmallFile("\(state)/\(name)", limit: 1 << 30) }
    memory.scan = read("hashes").flatMap { ProjectScan(text: $0) }
    memory.record = read("record").flatMap { ProjectRecord(text: $0) }
    let words = read("stamp").map {
      String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init)
    }
    if let words, words.count == 2 { memory.stamp = (words[0], words[1]) }
    memory.saved = (memory.record?.generation, memory.stamp.map { "\($0.generation)\n\($0.text)\n" })
  }

  /// What cannot be kept is found out anew the next time.
  private func save(_ memory: inout Memory) {
    func write(_ name: String, _ bytes: [UInt8]?) {
      guard let bytes else {
        unlink("\(state)/\(name)")
        return
      }
      try? WholeFile.write(bytes, as: name, in: state)
    }
    if let scan = memory.scan, scan.readCount > 0 { write("hashes", scan.text()) }
    if memory.record?.generation != memory.saved.record { write("record", memory.record?.text()) }
    let stamp = memory.stamp.map { "\($0.generation)\n\($0.text)\n" }
    if stamp != memory.saved.stamp { write("stamp", stamp.map { Array($0.utf8) }) }
    memory.saved = (memory.record?.generation, stamp)
  }
}
