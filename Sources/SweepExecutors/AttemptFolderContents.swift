import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

extension AttemptFolder {
  /// Whether the folder holds anything that is not ours: what the command itself has left there.
  public func hasForeignFiles() throws -> Bool {
    try entries().contains { !Self.isOurs($0) }
  }

  /// Every attempt's folder below a queue's folder, by its numbers. Other names are passed over.
  package static func all(inQueue queueFolder: String) throws -> [(sweep: SweepID, job: JobID, number: Int)] {
    var found: [(sweep: SweepID, job: JobID, number: Int)] = []
    let runs = AttemptFolder(path: queueFolder + "/runs")
    for sweep in try runs.entries() {
      guard let sweepID = Int64(sweep) else { continue }
      var names = try AttemptFolder(path: "\(runs.path)/\(sweep)").entries()
      // One that is half removed stands under its other name.
      for name in names where name.hasSuffix("~") { names.insert(String(name.dropLast())) }
      for name in names {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let job = Int64(parts[0]), let number = Int(parts[1]) else { continue }
        found.append((SweepID(rawValue: sweepID), JobID(rawValue: job), number))
      }
    }
    return found
  }

  /// Says that large files that came with a bundle need not come back from its host if they are as they were.
  package func addSpare(_ bundle: FileBundle) throws {
    let file = "\(path)/\(Self.spareName)"
    let descriptor = uninterrupted { open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else { throw fileError("create", file, errno) }
    defer { close(descriptor) }
    guard writeAll(descriptor, Array("\(bundle.id)\n".utf8)) else { throw fileError("write", file, errno) }
  }

  private static let incomingPrefix = unfinishedPrefix + "incoming-"

  /// A folder for what a worker receives from another host, until all of it is here.
  package static func incoming(inQueue queueFolder: String, by worker: WorkerID, number: UInt64) -> String {
    "\(queueFolder)/runs/\(incomingPrefix)\(worker)-\(String(number, radix: 36))"
  }

  /// Those that are there, and whose they are.
  package static func allIncoming(
    inQueue queueFolder: String
  ) throws -> [(path: String, worker: WorkerID)] {
    let runs = AttemptFolder(path: queueFolder + "/runs")
    return try runs.entries().compactMap { name in
      guard name.hasPrefix(incomingPrefix),
        let worker = name.dropFirst(incomingPrefix.count).split(separator: "-").first.flatMap({ Int64($0) })
      else { return nil }
      return ("\(runs.path)/\(name)", WorkerID(rawValue: worker))
    }
  }

  /// The names in the folder; none if it is not there.
  func entries() throws -> Set<String> {
    guard let folder = opendir(path) else {
      if errno == ENOENT || errno == ENOTDIR { return [] }
      throw fileError("list", path, errno)
    }
    defer { closedir(folder) }
    var names: Set<String> = []
    while let item = readdir(folder) {
      let name = withUnsafePointer(to: &item.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.insert(name) }
    }
    return names
  }
}
