import SweepModel

/// The families of LSF.
package enum LSFFlavour: Hashable, Sendable {
  /// IBM Spectrum LSF and Platform LSF from 9.1 on: `bjobs -o`.
  case modern
  /// Before, and OpenLava: tables of fixed columns and nothing else. Options of the modern ones are misread there
  /// without a word.
  case old
}

/// IBM Spectrum LSF, Platform LSF and OpenLava.
///
/// What matters was seen on OpenLava 2.2:
/// - A job whose top process dies of a signal is `DONE`: no exit code follows from that.
/// - Without `LSB_NTRIES` the commands wait for a daemon that is down for ever.
/// - A `bsub` without an answer may have been taken, and run later.
/// - Exit code 255 means anything: the words tell.
package struct LSFDialect: SchedulerDialect, Hashable {
  package var flavour: LSFFlavour
  /// As the commands call it: `IBM Spectrum LSF`, `OpenLava`.
  package var product: String
  /// nil where it is not known.
  package var version: String?
  /// Whose jobs ``queue()`` shows; nil for everybody's.
  package var user: String?

  package init(
    flavour: LSFFlavour = .modern, product: String = "LSF", version: String? = nil, user: String? = nil
  ) {
    self.flavour = flavour
    self.product = product
    self.version = version
    self.user = user
  }

  package var name: String { "lsf" }
  package var title: String { version.map { "\(product) \($0)" } ?? product }

  package var traits: SchedulerTraits {
    // Names of 120 characters were taken, of 300 not; with an array's range 255 are allowed.
    SchedulerTraits(
      nameLimit: 120, smallestArray: 1, largestArray: 1000, readsScriptFromInput: true,
      taskVariable: "LSB_JOBINDEX")
  }

  var release: [Int] { Self.numbers(version ?? "") }
  /// `-json` came with 10.1.0.2.
  var writesJSON: Bool { flavour == .modern && Self.isAtLeast(release, [10, 1, 0, 2]) }
  /// Memory with its unit beside it, and `-gpu`.
  var takesUnits: Bool { flavour == .modern && Self.isAtLeast(release, [10, 1]) }

  static func numbers(_ version: String) -> [Int] {
    version.split(separator: ".").compactMap { DirectiveText.number($0) }
  }
  static func isAtLeast(_ version: [Int], _ other: [Int]) -> Bool {
    !version.lexicographicallyPrecedes(other)
  }

  /// Every command of LSF's goes through here.
  func command(
    _ arguments: [String], input: String? = nil, environment: [String: String?] = [:],
    isJobEnvironment: Bool = false, timeout: Int64 = 60_000
  ) -> SchedulerCommand {
    var environment = environment
    // One try: otherwise it waits for as long as the daemon is away.
    environment["LSB_NTRIES"] = "1"
    return SchedulerCommand(
      arguments, input: input, environment: environment, removedPrefixes: Self.removedPrefixes,
      isJobEnvironment: isJobEnvironment, timeout: timeout)
  }

  /// What a job finds in its environment, and what would change the form of an answer: `BSUB_QUIET` keeps the id back,
  /// and `LSB_BSUB_ERR_RETRY` may submit twice. Other names in `LSB_` and `LSF_` tell where the cluster is.
  static let removedPrefixes = [
    "BSUB_", "LSB_BSUB", "LSB_BJOBS", "LSB_BHIST", "LSB_JOB", "LSB_SUB_", "LSB_BATCH", "LSB_DISPLAY",
    "LSB_INTERACTIVE", "LSB_OUTPUTFILE", "LSB_ERRORFILE",
  ]
}
