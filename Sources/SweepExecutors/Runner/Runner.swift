import SweepModel

/// The shell functions that run attempts where no supervisor of ours does: on the nodes of a cluster.
///
/// They are pasted into a submission script after its directives and need nothing installed there but a POSIX shell and
/// `date`, `sed`, `sleep`, and, to end a command, `ps` and `grep`. The attempt's gate is theirs to take, by the same
/// protocol as on this machine but without its lock: see ``RemoteGate``.
///
/// How an end by a signal is told: dash, bash and most others do not distinguish it from an exit code above 128, so there
/// it is recorded as that code, unless the runner itself has sent or passed on a signal. ksh93 and yash do.
package enum Runner {
  /// The functions' text, with a newline at its end.
  package static let text = String(decoding: PackageResources.runner_sh, as: UTF8.self)

  /// The shell command that runs one attempt, for the end of a submission's script.
  package static func call(folder: AttemptFolder, token: AttemptToken) -> String {
    "sweepq_run \(ShellText.quote(folder.path)) \(token)"
  }
}
