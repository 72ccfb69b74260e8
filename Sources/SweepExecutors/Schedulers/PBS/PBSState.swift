import SweepModel

/// What a job's record says of its state.
struct PBSState {
  var state: TaskState
  var exitCode: Int32?
  var signal: Int32?
  /// Besides the record's own comment.
  var note: String?

  init(_ state: TaskState, exitCode: Int32? = nil, signal: Int32? = nil, note: String? = nil) {
    self.state = state
    self.exitCode = exitCode
    self.signal = signal
    self.note = note
  }

  init(record: PBSRecord, flavour: PBSFlavour) {
    let letter = record["job_state"] ?? ""
    let comment = record["comment"] ?? ""
    switch letter {
    case "Q", "T", "W": self.init(comment.hasPrefix("Can Never Run") ? .impossible : .pending)
    case "H": self.init(.held)
    case "R", "B": self.init(.running)
    case "S", "U": self.init(.suspended)
    // Its exit status stands there already, and its outputs are still on their way.
    case "E": self.init(.ending)
    case "F", "X": self.init(ended: record, comment: comment)
    case "C": self.init(torque: record, comment: comment)
    default: self.init(.unknown(letter))
    }
  }

  /// Finished, in OpenPBS and PBS Professional: `F` in the history, `X` for a member of an array that still lives.
  private init(ended record: PBSRecord, comment: String) {
    // Without a history a finished member shows the array's exit status, and after the end of a whole array also with one.
    guard comment != "Subjob finished" else {
      self.init(.completed)
      return
    }
    // Substate 91: deleted.
    let isDeleted = record["substate"] == "91" || comment.contains("and terminated")
    guard let status = record["exit_status"].flatMap({ Int32($0) }) else {
      // It would stand further below.
      guard record.isWhole else {
        self.init(.unknown("half a record"))
        return
      }
      self.init(.cancelled, note: comment.isEmpty ? "ended without having run" : nil)
      return
    }
    if let limit = Self.exceededLimit(in: comment) {
      self.init(limit, signal: status > 256 ? status - 256 : nil)
    } else if status < 0 {
      self.init(Self.internalStates[status] ?? .failed, note: "Exit_status \(status)")
    } else if isDeleted {
      self.init(.cancelled, exitCode: status > 255 ? nil : status, signal: status > 256 ? status - 256 : nil)
    } else {
      self.init(status: status, wasKilled: !comment.contains("and failed"))
    }
  }

  /// Torque lists what is finished as `C` for a while.
  private init(torque record: PBSRecord, comment: String) {
    guard let status = record["exit_status"].flatMap({ Int32($0) }) else {
      self.init(
        record.isWhole ? .cancelled : .unknown("half a record"),
        note: comment.isEmpty ? "ended without having run" : nil)
      return
    }
    if status < 0 {
      self.init(Self.torqueInternalStates[status] ?? .failed, note: "exit_status \(status)")
    } else {
      self.init(status: status, wasKilled: true)
    }
  }

  /// 256 and more: the batch system's own word for the signal that ended the job's top process.
  private init(status: Int32, wasKilled: Bool) {
    switch status {
    case 0: self.init(.completed, exitCode: 0)
    case 1...255: self.init(.failed, exitCode: status)
    // TERM and KILL are what a delete sends.
    case 271, 265: self.init(wasKilled ? .cancelled : .failed, signal: status - 256)
    default: self.init(.failed, signal: status > 256 ? status - 256 : nil)
    }
  }

  /// `Job run at … on … and exceeded resource walltime`
  private static func exceededLimit(in comment: String) -> TaskState? {
    guard comment.contains("exceeded resource") else { return nil }
    let resource = comment.split(separator: " ").drop { $0 != "resource" }.dropFirst().first ?? ""
    switch resource {
    case "walltime", "cput": return .timedOut
    case "mem", "vmem", "pmem", "pvmem": return .outOfMemory
    default: return .failed
    }
  }

  /// From `job.h`: why the batch system itself ended a job, or did not start it. Those of the node's, or of the way to
  /// it, are no fault of the job's.
  private static let internalStates: [Int32: TaskState] = [
    -3: .nodeFailed, -4: .nodeFailed, -5: .nodeFailed, -6: .nodeFailed, -11: .nodeFailed, -12: .preempted,
    -14: .nodeFailed, -15: .preempted, -16: .nodeFailed, -18: .nodeFailed, -20: .nodeFailed,
    -26: .outOfMemory,
    -27: .outOfMemory, -28: .timedOut, -29: .timedOut, -30: .nodeFailed,
  ]
  private static let torqueInternalStates: [Int32: TaskState] = [
    -3: .nodeFailed, -4: .nodeFailed, -5: .nodeFailed, -6: .nodeFailed, -10: .outOfMemory, -11: .timedOut,
    -12: .timedOut,
  ]

  func sighting(of task: NativeTask, record: PBSRecord) -> TaskSighting {
    var reason: String?
    if state != .running && state != .ending {
      reason = [record["comment"], note].compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: "; ")
    }
    return TaskSighting(
      task: task, jobName: record["job_name"], state: state, reason: reason?.isEmpty == false ? reason : nil,
      exitCode: exitCode, signal: signal, usage: Self.usage(record))
  }

  /// PBS counts processor time in one sum: it stands as the user's.
  private static func usage(_ record: PBSRecord) -> TaskUsage {
    TaskUsage(
      elapsed: record["resources_used.walltime"].flatMap(PBSQuantity.milliseconds),
      userMicroseconds: record["resources_used.cput"].flatMap(PBSQuantity.milliseconds).map { $0 * 1000 },
      maxResidentBytes: record["resources_used.mem"].flatMap(PBSQuantity.bytes),
      nodes: record["exec_host"].map(nodes))
  }

  /// `n1/0*4+n2/1` as `n1,n2`.
  private static func nodes(_ hosts: String) -> String {
    var names: [Substring] = []
    for host in hosts.split(separator: "+") {
      let name = host.prefix { $0 != "/" }
      if !names.contains(name) { names.append(name) }
    }
    return names.joined(separator: ",")
  }
}
