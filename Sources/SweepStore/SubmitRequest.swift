import SweepModel

/// A sweep to be added, or points to be added to a sweep.
public struct SubmitRequest: Sendable {
  /// The sweep's name, or nil for one made of the command's.
  public var name: String?
  /// The command template's arguments.
  public var command: [String]
  /// Names of the parameters, in order.
  public var parameters: [String]
  public var settings: SweepSettings
  public var resources: Resources
  /// Higher goes first.
  public var priority: Int
  /// On which executors the jobs may run.
  public var placement: Placement
  /// The jobs wait for a release.
  public var isHeld: Bool
  public var notBefore: Timestamp?
  public var dependencies: [Dependency]
  /// A submit with the same key is done once.
  public var key: String?

  public init(
    name: String? = nil, command: [String], parameters: [String] = [], settings: SweepSettings,
    resources: Resources = Resources(), priority: Int = 0, placement: Placement = .anywhere,
    isHeld: Bool = false,
    notBefore: Timestamp? = nil, dependencies: [Dependency] = [], key: String? = nil
  ) {
    self.name = name
    self.command = command
    self.parameters = parameters
    self.settings = settings
    self.resources = resources
    self.priority = priority
    self.placement = placement
    self.isHeld = isHeld
    self.notBefore = notBefore
    self.dependencies = dependencies
    self.key = key
  }

  /// What a sweep without a name is called, before the number.
  package static func programName(_ command: [String]) -> String {
    let program =
      command.first?.split(separator: " ").first?.split(separator: "/").last.map(String.init) ?? "sweep"
    let bare =
      program.hasPrefix("{") && program.hasSuffix("}") ? String(program.dropFirst().dropLast()) : program
    let name = String(
      bare.map { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" || $0 == "." ? $0 : "-" })
    return name.allSatisfy { $0.isNumber || $0 == "-" || $0 == "." } ? "sweep" : name
  }
}

/// What must end before a job may start.
public struct Dependency: Sendable, Hashable {
  public enum Target: Sendable, Hashable {
    case job(JobID)
    case sweep(SweepID)
  }
  public var target: Target
  /// It must have completed; otherwise any end will do.
  public var needsSuccess: Bool

  public init(_ target: Target, needsSuccess: Bool = true) {
    self.target = target
    self.needsSuccess = needsSuccess
  }
}

/// What a submit did.
public struct SubmitReceipt: Sendable, Hashable {
  public let sweep: SweepID
  public let name: String
  /// Jobs added now.
  public let added: Int
  /// Points that the sweep had already.
  public let skipped: Int
  /// The first and last id of the added jobs; ids between them may belong to other sweeps.
  public let jobs: ClosedRange<Int64>?
  /// The key had been used: nothing was added, and this is what it gave then.
  public let isRepeated: Bool
}
