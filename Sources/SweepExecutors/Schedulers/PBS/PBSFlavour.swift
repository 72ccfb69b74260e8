/// The families of PBS, which share their commands' names and little else that is new.
package enum PBSFlavour: Hashable, Sendable {
  /// OpenPBS and PBS Professional.
  case openPBS
  case torque
}

/// A release such as `23.06.06`, `2021.1.3` or `6.1.2`.
struct PBSVersion: Hashable, Sendable {
  var text: String
  var major: Int

  /// - Parameter text: with what may stand before the digits, as in `PBSPro_13.0.1.152917`.
  init?(_ text: some StringProtocol) {
    let digits = text.drop { !$0.isNumber }
    guard let major = DirectiveText.number(digits.prefix { $0.isNumber }) else { return nil }
    self.text = String(digits.prefix { $0.isNumber || $0.isLetter || $0 == "." || $0 == "-" })
    self.major = major
  }

  /// Releases of the commercial product count years from 2020 on; the open ones of its line start with 20.
  var isProfessional: Bool { major < 20 || major >= 2000 }
}

extension PBSDialect {
  package static func probes() -> [SchedulerCommand] {
    [
      SchedulerCommand(["qsub", "--version"], timeout: 10_000),
      SchedulerCommand(["qstat", "--version"], timeout: 10_000),
      SchedulerCommand(["qstat", "-B", "-f"], timeout: 10_000),
      SchedulerCommand(["id", "-un"], timeout: 10_000),
    ]
  }

  /// Both commands must say their version as PBS or Torque does. Slurm's wrappers and Grid Engine have commands of the
  /// same names, and neither knows `--version`. The server need not be up.
  package static func recognised(in answers: [CommandAnswer]) -> PBSDialect? {
    guard answers.count >= 2, let first = release(in: answers[0]), let second = release(in: answers[1]),
      first.flavour == second.flavour
    else { return nil }
    var dialect = PBSDialect(flavour: first.flavour, version: first.version.text)
    if answers.count > 2,
      let server = PBSListing.read(answers[2].output)?.first(where: { $0.kind == .server })
    {
      dialect.keepsHistory = server["job_history_enable"]?.lowercased() == "true"
    }
    if answers.count > 3, answers[3].succeeded {
      dialect.user = answers[3].outputLines.last.map { $0.filter { !$0.isWhitespace } }
    }
    return dialect
  }

  private static func release(in answer: CommandAnswer) -> (flavour: PBSFlavour, version: PBSVersion)? {
    for line in answer.outputLines + answer.errorLines {
      let words = line.lowercased().split { $0 == " " || $0 == "\t" || $0 == "=" }
      guard words.count >= 2 else { continue }
      // `pbs_version = 23.06.06`, and Torque's `Version: 6.1.2`.
      if words[0] == "pbs_version", let version = PBSVersion(words[1]) { return (.openPBS, version) }
      if words[0] == "version:", words[1].first?.isNumber == true, let version = PBSVersion(words[1]) {
        return (.torque, version)
      }
    }
    return nil
  }
}
