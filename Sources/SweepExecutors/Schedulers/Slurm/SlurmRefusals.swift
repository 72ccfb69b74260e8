/// What sbatch says when it has not submitted. Only what is known to leave no job behind stands here: `Socket timed
/// out on send/recv operation`, for one, came with jobs that ran.
enum SlurmRefusals {
  /// It would be the same the next time.
  static let permanent = [
    "Access denied to requested reservation",
    "Access/permission denied",
    "Burst Buffer permission denied",
    "CPU count specification invalid",
    "Cannot request more threads per core than the job allocation",
    "Duplicate generic resource (gres) specification",
    "Invalid --nice value",
    "Invalid GRES specification",
    "Invalid Trackable RESource (TRES) specification",
    "Invalid account or account/partition combination specified",
    "Invalid cluster feature specification",
    "Invalid feature specification",
    "Invalid generic resource (gres) specification",
    "Invalid job array specification",
    "Invalid license specification",
    "Invalid node name specified",
    "Invalid partition name specified",
    "Invalid preferred feature specification",
    "Invalid qos specification",
    "Invalid time-min specification",
    "Job --batch option is invalid",
    "Job dependency problem",
    "Job size specification needs to be provided",
    "Memory required by task is not available",
    "More processors requested than permitted",
    "Multiple partition job request not supported",
    "No eligible clusters for federated job",
    "No partition specified or system default partition",
    "Node count specification invalid",
    "Pathname of a file, directory or other parameter too long",
    "Requested GRES option unsupported by configured SelectType plugin",
    "Requested more tasks than available processors",
    "Requested node configuration is not available",
    "Requested nodes not in this partition",
    "Requested operation not supported on this system",
    "Requested reservation is invalid",
    "Requested time limit is invalid",
    "Task count specification invalid",
    "Task distribution specification invalid",
    "Time limit specification required, but not provided",
    "User's group not permitted to use this partition",
  ]

  /// Worth another try.
  static let temporary = [
    "Burst Buffer resource limit exceeded",
    "Controller is in standby mode",
    "I/O error writing script/environment to file",
    "Rate limit exceeded",
    "Requested partition configuration not available now",
    "Requested reservation not usable now",
    "Required node not available",
    "Required partition not available",
    "Resource temporarily unavailable",
    "Slurm backup controller in standby mode",
    "Unable to contact slurm controller (connect failure)",
    "Unable to create job record, try again",
  ]

  static let quota = ["Requested account has breached requested QOS usage threshold"]

  /// A limit of the account or the QOS: how many jobs there may be passes, what one job may ask does not.
  static func policy(_ lines: [Substring], sentence: String) -> SubmissionReceipt {
    let limits = lines.compactMap { line in
      line.split(separator: " ").first { word in
        word.hasPrefix("Assoc") || word.hasPrefix("QOS") || word.hasPrefix("Max")
      }
    }
    if limits.contains(where: { $0.contains("Submit") }) { return .quota(sentence) }
    let ofOneJob = limits.contains { limit in
      limit.contains("PerJob") || limit.contains("PerNode") || limit.hasPrefix("QOSMin")
    }
    return ofOneJob ? .rejected(sentence) : .quota(sentence)
  }

  /// sbatch gave up before it spoke to the controller, if one of these words stands there.
  static func beforeSending(_ lines: [Substring], sentence: String) -> SubmissionReceipt {
    func says(_ text: String) -> Bool { lines.contains { $0.contains(text) } }
    let unreadable = [
      "Try \"sbatch --help\" for more information", "only permitted by root user",
      "This does not look like a batch script", "Batch script contains DOS line breaks",
      "Unable to open file",
      "Invalid directive found in batch script", "Invalid generic resource (gres) specification",
    ]
    let invalid = lines.contains { line in
      line.hasPrefix("sbatch: error: Invalid ") && line.hasSuffix(" specification")
    }
    if invalid || unreadable.contains(where: says) { return .rejected(sentence) }
    if says("No cluster '"), says("known by database") { return .rejected(sentence) }
    let elsewhere = [
      // The script was lost on its way into sbatch: what is given is never empty.
      "Batch script is empty!", "Could not establish a configuration source",
      "Unable to process configuration file", "There is a problem talking to the database",
    ]
    return elsewhere.contains(where: says) ? .busy(sentence) : .unclear(sentence)
  }
}
