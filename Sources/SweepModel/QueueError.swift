/// Everything sweepq refuses or cannot do, as a sentence, with what to do about it.
public struct QueueError: Error, Sendable, CustomStringConvertible {
  /// The kind of error; its raw value is the exit code of the command line (those of `sysexits.h` where one fits).
  public enum Code: Int32, Sendable, CaseIterable {
    case usage = 64
    case badData = 65
    case unavailable = 69
    case internalFault = 70
    case cannotCreate = 73
    case inputOutput = 74
    case busy = 75
    case permission = 77
    case configuration = 78
  }

  public let code: Code
  /// What is wrong, and where: one sentence without a full stop.
  public let message: String
  /// What to do about it: one sentence without a full stop, or nil.
  public let remedy: String?

  public init(_ code: Code, _ message: String, remedy: String? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  public var description: String { remedy.map { "\(message). \($0)" } ?? message }
}
