import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What one submission is to run: the file `tasks` in the submission's own folder, one line an attempt.
package enum RunnerSubmission {
  static let fileName = "tasks"

  /// Writes the file, durably; the folder exists.
  ///
  /// - Throws: `badData` for a path with a newline.
  package static func write(_ attempts: [(token: AttemptToken, folder: AttemptFolder)], in folder: String)
    throws
  {
    var text = ""
    for (token, attempt) in attempts {
      guard !attempt.path.utf8.contains(UInt8(ascii: "\n")) else {
        throw QueueError(
          .badData, "the queue's folder has a newline in its name: \(attempt.path)", remedy: "Rename it")
      }
      text += "\(token) \(attempt.path)\n"
    }
    try WholeFile.write(Array(text.utf8), as: fileName, in: folder)
  }

  /// Keeps the script beside it, where a scheduler that reads it from a file finds it, and a person too.
  package static func write(script: String, in folder: String) throws {
    let path = PreparedSubmission.scriptPath(in: folder)
    try WholeFile.write(Array(script.utf8), as: String(path.dropFirst(folder.count + 1)), in: folder)
  }

  /// Removes the folder with what is in it: the list, the script, and the scheduler's own output.
  package static func remove(folder: String) throws {
    for name in try AttemptFolder(path: folder).entries() {
      if unlink("\(folder)/\(name)") != 0, errno != ENOENT {
        throw fileError("remove", "\(folder)/\(name)", errno)
      }
    }
    if rmdir(folder) != 0, errno != ENOENT { throw fileError("remove the folder", folder, errno) }
  }

  /// The shell command that runs one member of the submission, for the end of its script after ``Runner/text``.
  ///
  /// - Parameters:
  ///   - index: shell text that gives the member's number from 1, such as `"$SLURM_ARRAY_TASK_ID"`.
  ///   - count: attempts to a member.
  ///   - parallel: how many of them at a time.
  package static func call(folder: String, index: String = "1", count: Int = 1, parallel: Int = 1) -> String {
    "sweepq_task \(ShellText.quote(folder)) \(index) \(count) \(parallel)"
  }
}
