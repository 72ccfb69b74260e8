/// When an executor counts as sick, and how long it is left alone then.
public struct HealthSettings: Hashable, Sendable {
  /// Shell lines that are run where its jobs would be; each must end with exit code 0.
  public var checks: [String] = []
  /// Milliseconds that one of them may take.
  public var checkTimeout: Int64 = 30_000
  /// Milliseconds between two runs of all of them while it is well.
  public var checkEvery: Int64 = 300_000
  /// Attempts and submissions that must fail in a row, through no fault of their jobs, before it is set aside.
  public var asideAfter = 3
  /// Milliseconds for which it is left alone the first time.
  public var asidePause: Int64 = 30_000
  /// The longest that it is left alone, in milliseconds.
  public var asidePauseMax: Int64 = 1_800_000
  /// It gets nothing while less than this is free on the disk with its files.
  public var minFreeDisk: MemorySize?

  public init() {}
}
