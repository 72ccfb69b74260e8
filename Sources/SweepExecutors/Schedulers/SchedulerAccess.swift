import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A scheduler's command while it runs, here or on another host.
package protocol SchedulerCall: AnyObject {
  /// Becomes readable when there may be an answer; -1 for none.
  var descriptor: Int32 { get }
  /// Milliseconds until its time is over.
  var timeLeft: Int64 { get }
  /// Its answer once it has ended; nil while it runs. To be asked until it answers.
  func answer() -> CommandAnswer?
}

extension CommandCall: SchedulerCall {}

/// How the commands of an executor's scheduler are run: on this machine, or on another over SSH.
package struct SchedulerAccess {
  /// Where they run, and what they write goes. Absolute: there.
  package var folder: String
  /// Set over their environment.
  package var environment: [String: String]
  /// nil for this machine.
  package var host: SSHHost?
  /// What that host is like.
  package var probe: HostProbe?

  package init(
    folder: String, environment: [String: String] = [:], host: SSHHost? = nil, probe: HostProbe? = nil
  ) {
    self.folder = folder
    self.environment = environment
    self.host = host
    self.probe = probe
  }

  /// Starts a command.
  package func call(_ command: SchedulerCommand) -> any SchedulerCall {
    guard let host else { return CommandCall(command, folder: folder, environment: environment) }
    return HostCommandCall(command, on: host, folder: folder, environment: environment)
  }

  /// Runs a command to its end, or to that of its time.
  package func answer(to command: SchedulerCommand) -> CommandAnswer {
    let call = call(command)
    while true {
      if let answer = call.answer() { return answer }
      var wait = [pollfd(fd: call.descriptor, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, Int32(clamping: min(call.timeLeft, 1_000)))
    }
  }
}

/// A scheduler's command while it runs on another host.
private final class HostCommandCall: SchedulerCall {
  private var call: HostCall?
  private var failure: CommandAnswer?

  init(_ command: SchedulerCommand, on host: SSHHost, folder: String, environment: [String: String]) {
    do {
      call = host.call(
        try RemoteCommandText.script(command, folder: folder, environment: environment),
        timeout: host.settings.connectTimeout + RemoteCommandText.timeout(of: command))
    } catch { failure = CommandAnswer(ending: .notStarted("\(error)")) }
  }

  var descriptor: Int32 { call?.descriptor ?? -1 }
  var timeLeft: Int64 { call?.timeLeft ?? 0 }
  func answer() -> CommandAnswer? { failure ?? call?.answer().map(RemoteCommandText.answer) }
}
