import SweepExecutors
import SweepModel

/// Whether the machine is in a condition to start another job.
struct HostGuard {
  let settings: WorkerSettings
  let folder: String

  /// Why nothing should be started now, or nil.
  func obstacle() -> String? {
    guard settings.maxLoad != nil || settings.minFreeMemory != nil || settings.minFreeDisk != nil else {
      return nil
    }
    let measures = HostMeasures.current()
    if let limit = settings.maxLoad, measures.load1 > limit {
      return "the load is \(Self.short(measures.load1)), above \(Self.short(limit))"
    }
    if let limit = settings.minFreeMemory, let free = measures.memAvailableBytes, free < limit.rawValue {
      return "\(MemorySize(rawValue: free)) of memory are available, less than \(limit)"
    }
    if let limit = settings.minFreeDisk, let free = HostMeasures.freeDiskBytes(folder), free < limit.rawValue
    {
      return "\(MemorySize(rawValue: free)) are free on the disk, less than \(limit)"
    }
    return nil
  }

  private static func short(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
