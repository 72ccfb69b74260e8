import SweepModel

extension AttemptFolder {
  /// Whether the folder holds anything that is not ours: what the command itself has left there.
  public func hasForeignFiles() throws -> Bool {
    try entries().contains { File(rawValue: $0) == nil && $0 != File.gate.rawValue + GateFile.spareSuffix }
  }

  /// Every attempt's folder below a queue's folder, by its numbers, also one that was being removed. Other names
  /// are passed over.
  package static func all(inQueue queueFolder: String) throws -> [(sweep: SweepID, job: JobID, number: Int)] {
    var found: [(sweep: SweepID, job: JobID, number: Int)] = []
    let runs = queueFolder + "/runs"
    for sweep in try AttemptFolder(path: runs).entries() {
      guard let sweepID = Int64(sweep) else { continue }
      for job in try AttemptFolder(path: "\(runs)/\(sweep)").entries() {
        guard let jobID = Int64(job) else { continue }
        for number in try AttemptFolder(path: "\(runs)/\(sweep)/\(job)").entries() {
          guard let attempt = Int(number.hasSuffix("~") ? number.dropLast() : number[...]) else { continue }
          found.append((SweepID(rawValue: sweepID), JobID(rawValue: jobID), attempt))
        }
      }
    }
    return found
  }
}
