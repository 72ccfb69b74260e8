import SweepModel

/// A submit command that is run on another host when the files that it needs have come there whole: one command for both.
package final class HostSubmission: SchedulerCall {
  private let host: SSHHost
  private let root: String
  private let command: SchedulerCommand
  private let folder: String
  private let environment: [String: String]
  private let packing: ParcelPacking
  private var call: HostCall?
  private var result: CommandAnswer?

  /// - Parameters:
  ///   - root: the host's folder of ours, absolute there.
  ///   - queue: of all queues that use the host, the folder of this one.
  ///   - base: the folder here that has the files.
  ///   - names: files and folders below it.
  ///   - folder: where the command runs there.
  package init(
    _ command: SchedulerCommand, on host: SSHHost, root: String, queue: RemotePath, base: String,
    names: [String], folder: String, environment: [String: String]
  ) {
    self.host = host
    self.root = root
    self.command = command
    self.folder = folder
    self.environment = environment
    packing = ParcelPacking(base: base, names: names, target: queue, spool: base)
  }

  package var descriptor: Int32 { call?.descriptor ?? packing.descriptor }
  package var timeLeft: Int64 { call?.timeLeft ?? 1_000 }

  /// The command's answer. One that was not started has certainly done nothing.
  package func answer() -> CommandAnswer? {
    if let result { return result }
    if call == nil {
      do {
        guard let packed = try packing.parcel() else { return nil }
        let script = try packed.parcel.script(
          root: root, then: command, folder: folder, environment: environment)
        call = host.call(
          script, input: packed.input,
          timeout: 30_000 + RemoteCommandText.timeout(of: command) + packed.parcel.size * 1000
            / HostRound.slowest)
      } catch {
        result = CommandAnswer(ending: .notStarted("\(error)"))
        return result
      }
    }
    result = call?.answer().map(RemoteCommandText.answer)
    return result
  }
}
