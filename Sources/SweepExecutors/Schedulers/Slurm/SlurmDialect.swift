import SweepModel

/// Slurm, 20.11 and later: one file for each thing it is asked.
package struct SlurmDialect: SchedulerDialect {
  /// `22.05.8`
  package let version: String
  /// The cluster that commands speak to when none is named; nil where it is not known.
  package let localCluster: String?
  /// Who submits; nil where it is not known.
  package let user: String?
  /// False only where the site has said that it keeps no accounts.
  package let keepsAccounts: Bool
  /// False where others' jobs are hidden, or may be.
  package let seesOthers: Bool

  package init(
    version: String, localCluster: String? = nil, user: String? = nil, keepsAccounts: Bool = true,
    seesOthers: Bool = false
  ) {
    self.version = version
    self.localCluster = localCluster
    self.user = user
    self.keepsAccounts = keepsAccounts
    self.seesOthers = seesOthers
  }

  package var name: String { "slurm" }
  package var title: String { "Slurm \(version)" }
  package var traits: SchedulerTraits {
    SchedulerTraits(
      nameLimit: 1024, largestArray: 1000, readsScriptFromInput: true, taskVariable: "SLURM_ARRAY_TASK_ID")
  }

  // MARK: Capability

  package static func probes() -> [SchedulerCommand] {
    [
      command(["sbatch", "--version"]), command(["scontrol", "show", "config"]),
      SchedulerCommand(["id", "-un"]),
    ]
  }

  package static func recognised(in answers: [CommandAnswer]) -> SlurmDialect? {
    guard let first = answers.first, first.succeeded else { return nil }
    // Debian says "slurm-wlm 22.05.8".
    let version = SlurmTable.lines(of: first.output).lazy.compactMap { line -> String? in
      let words = line.split(separator: " ")
      guard words.count == 2, words[0] == "slurm" || words[0].hasPrefix("slurm-"),
        words[1].first?.isNumber == true
      else { return nil }
      return String(words[1])
    }.first
    guard let version else { return nil }
    var settings: [String: String] = [:]
    if answers.count > 1 {
      // The commands are installed, and no cluster is configured: something else may be in charge here.
      let unconfigured = [
        "Could not establish a configuration source", "Unable to process configuration file",
      ]
      if unconfigured.contains(where: answers[1].errors.contains) { return nil }
      if answers[1].succeeded { settings = SlurmSettings.read(answers[1].output) }
    }
    let user = answers.count > 2 && answers[2].succeeded ? answers[2].outputLines.last.map(String.init) : nil
    let accounts = settings["AccountingStorageType"]
    let hidden = settings["PrivateData"]
    return SlurmDialect(
      version: version, localCluster: settings["ClusterName"], user: user,
      keepsAccounts: accounts == nil || accounts?.contains("slurmdbd") == true,
      seesOthers: hidden.map { !$0.split(separator: ",").contains("jobs") } ?? false)
  }

  // MARK: Commands

  /// Variables of these names change what the commands do, and what they show: `SQUEUE_PARTITION` hides jobs,
  /// `SCANCEL_STATE` spares some, `SLURM_JOB_ID` makes a command believe it is inside that job.
  static let removedPrefixes = ["SBATCH_", "SLURM_", "SQUEUE_", "SACCT_", "SCANCEL_", "SALLOC_", "SRUN_"]
  static let keptNames = ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT"]

  static func command(
    _ arguments: [String], environment: [String: String?] = [:], timeout: Int64 = 30_000
  ) -> SchedulerCommand {
    SchedulerCommand(
      arguments, environment: environment, removedPrefixes: removedPrefixes, keptNames: keptNames,
      timeout: timeout)
  }
}
