import ArgumentParser
import SweepModel

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check the installation and its surroundings.",
    discussion: """
      The queue's filesystem, the clock, the free disk, the SQLite library, the machine's resources, the schedulers \
      that are here, the workers. Each finding comes with what to do about it.

        sweepq doctor
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

}
