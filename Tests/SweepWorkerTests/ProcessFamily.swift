@preconcurrency import Glibc

/// The processes of this machine, by their parents.
enum ProcessFamily {
  /// The living children of a process, with their names.
  static func children(of parent: pid_t) -> [(pid: pid_t, name: String)] {
    Files.entries("/proc").compactMap { entry in
      guard let pid = pid_t(entry) else { return nil }
      let text = Files.text("/proc/\(pid)/stat")
      guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
      let fields = text[close...].split(separator: " ")
      guard fields.count > 2, fields[1] != "Z", pid_t(fields[2]) == parent else { return nil }
      return (pid, String(text[text.index(after: open)..<close]))
    }
  }

  /// The supervisor of a worker's process.
  static func supervisor(of worker: pid_t) -> pid_t? {
    children(of: worker).first { $0.name == "sweepq-run" }?.pid
  }

  static func isAlive(_ pid: pid_t) -> Bool {
    let text = Files.text("/proc/\(pid)/stat")
    guard let close = text.lastIndex(of: ")") else { return false }
    return text[close...].split(separator: " ").dropFirst().first != "Z"
  }

  /// The processor time that a process has used, in milliseconds.
  static func processorTime(of pid: pid_t) -> Int {
    let text = Files.text("/proc/\(pid)/stat")
    guard let close = text.lastIndex(of: ")") else { return 0 }
    let fields = text[close...].split(separator: " ")
    guard fields.count > 13, let user = Int(fields[12]), let system = Int(fields[13]) else { return 0 }
    return (user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK))
  }
}
