import SweepModel

extension SubmissionRequest {
  /// What no scheduler could be asked without risking that it reads something else than was meant.
  ///
  /// - Throws: ``QueueError`` `badData` for a value of the user's, `internalFault` for one of ours.
  package func check(for traits: SchedulerTraits) throws {
    guard jobName.utf8.count <= traits.nameLimit, jobName.utf8.allSatisfy(Self.isNameByte),
      jobName.utf8.first.map(Self.isLetter) == true
    else { throw QueueError(.internalFault, "\"\(jobName)\" is no job name for a scheduler") }
    guard folder.hasPrefix("/"), !folder.unicodeScalars.contains(where: Self.isControl) else {
      throw QueueError(.internalFault, "\"\(folder)\" is no folder for a submission")
    }
    if let array, array.count < traits.smallestArray || (array.throttle ?? 1) < 1 {
      throw QueueError(.internalFault, "an array of \(array.count) tasks cannot be submitted")
    }
    guard let cluster = resources.cluster else { return }
    for (word, value) in [
      ("queue", cluster.queue), ("account", cluster.account), ("qos", cluster.qos),
      ("gpu-type", cluster.gpuType),
      ("constraint", cluster.constraint), ("reservation", cluster.reservation),
    ] {
      guard let value else { continue }
      guard !value.isEmpty, !value.hasPrefix("-"), !value.unicodeScalars.contains(where: Self.isControl)
      else {
        throw QueueError(
          .badData, "\"\(value)\" is no \(word)",
          remedy: "Give a name without control characters that does not begin with a dash")
      }
    }
    for option in cluster.options ?? [] {
      guard option.hasPrefix("-"), option.drop(while: { $0 == "-" }).first?.isLetter == true,
        !option.unicodeScalars.contains(where: Self.isControl)
      else {
        throw QueueError(
          .badData, "\"\(option)\" is no option for the scheduler",
          remedy: "Give each option whole and in one line, such as --gres=gpu:v100:2")
      }
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
      || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .lineSeparator
      || scalar.properties.generalCategory == .paragraphSeparator
  }
}
