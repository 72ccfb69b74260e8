/// The batch systems of which other programs' files speak.
enum BatchKind: Sendable {
  case slurm, pbs, torque, lsf, sge
  /// None: commands are started on the host.
  case shell

  /// - Parameter name: a `batch_type` of dpdispatcher.
  init?(dispatcher name: String) {
    switch name.lowercased() {
    case "slurm", "slurmjobarray": self = .slurm
    case "pbs": self = .pbs
    case "torque": self = .torque
    case "lsf": self = .lsf
    case "sge": self = .sge
    case "shell": self = .shell
    default: return nil
    }
  }

  var scheduler: ExecutorSettings.Scheduler {
    switch self {
    case .slurm: .slurm
    case .pbs, .torque: .pbs
    case .lsf: .lsf
    case .sge: .sge
    case .shell: .direct
    }
  }

  /// What begins a directive in a script.
  var prefix: String {
    switch self {
    case .slurm: "#SBATCH"
    case .pbs, .torque: "#PBS"
    case .lsf: "#BSUB"
    case .sge: "#$"
    case .shell: "#"
    }
  }
}
