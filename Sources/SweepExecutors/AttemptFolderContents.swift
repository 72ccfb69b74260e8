import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

extension AttemptFolder {
  /// Whether the folder holds anything that is not ours: what the command itself has left there.
  public func hasForeignFiles() -> Bool {
    Self.names(in: path).contains { File(rawValue: $0) == nil }
  }

  /// Every attempt's folder below a queue's folder, by its numbers. Other names are passed over.
  package static func all(inQueue queueFolder: String) -> [(sweep: SweepID, job: JobID, number: Int)] {
    var found: [(sweep: SweepID, job: JobID, number: Int)] = []
    let runs = queueFolder + "/runs"
    for sweep in names(in: runs) {
      guard let sweepID = Int64(sweep) else { continue }
      for job in names(in: "\(runs)/\(sweep)") {
        guard let jobID = Int64(job) else { continue }
        for number in names(in: "\(runs)/\(sweep)/\(job)") {
          guard let attempt = Int(number) else { continue }
          found.append((SweepID(rawValue: sweepID), JobID(rawValue: jobID), attempt))
        }
      }
    }
    return found
  }

  private static func names(in path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
