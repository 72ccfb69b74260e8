/// What an executor's host had to spare when it was last looked at; nil for what it does not tell.
public struct ExecutorMeasures: Hashable, Sendable {
  public var at: Timestamp
  /// Bytes that may be written where its files are.
  public var freeDisk: Int64?
  /// Processes that want to run, averaged over one minute.
  public var load: Double?
  /// Bytes.
  public var freeMemory: Int64?
  /// How many GPUs it has.
  public var gpus: Int?

  public init(
    at: Timestamp, freeDisk: Int64? = nil, load: Double? = nil, freeMemory: Int64? = nil, gpus: Int? = nil
  ) {
    self.at = at
    self.freeDisk = freeDisk
    self.load = load
    self.freeMemory = freeMemory
    self.gpus = gpus
  }
}
