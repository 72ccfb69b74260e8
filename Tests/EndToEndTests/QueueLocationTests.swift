import SweepModel
import Testing

@testable import sweepq

struct QueueLocationTests {
  private let home = ProcessEnvironment(["HOME": "/home/u"])

  @Test func theOptionComesFirst() throws {
    let environment = ProcessEnvironment(["HOME": "/home/u", "SWEEPQ_QUEUE": "/env/q"])
    let location = try QueueLocation.find(
      option: "a/../b//q/.", environment: environment, workingDirectory: "/somewhere")
    #expect(location == QueueLocation(path: "/somewhere/b/q", origin: .option))
  }

  @Test func thenTheEnvironment() throws {
    let environment = ProcessEnvironment(["HOME": "/home/u", "SWEEPQ_QUEUE": "/env/q"])
    let location = try QueueLocation.find(
      option: nil, environment: environment, workingDirectory: "/somewhere")
    #expect(location == QueueLocation(path: "/env/q", origin: .environment))
  }

  @Test func thenTheNearestFolderUpward() throws {
    let sandbox = try Sandbox()
    try sandbox.makeFolder("work/.sweepq")
    try sandbox.makeFolder("work/deep")
    try sandbox.makeFolder("work/deep/er")
    let location = try QueueLocation.find(
      option: nil, environment: home, workingDirectory: "\(sandbox.path)/work/deep/er")
    #expect(location == QueueLocation(path: "\(sandbox.path)/work/.sweepq", origin: .nearest))
  }

  @Test func atLastTheUsersOwn() throws {
    #expect(
      try QueueLocation.find(option: nil, environment: home, workingDirectory: "/proc")
        == QueueLocation(path: "/home/u/.local/share/sweepq", origin: .user))
    let data = ProcessEnvironment(["HOME": "/home/u", "XDG_DATA_HOME": "/data/u"])
    #expect(try QueueLocation.userDefault(data) == "/data/u/sweepq")
    let relative = ProcessEnvironment(["HOME": "/home/u", "XDG_DATA_HOME": "data"])
    #expect(try QueueLocation.userDefault(relative) == "/home/u/.local/share/sweepq")
    #expect(throws: QueueError.self) { try QueueLocation.userDefault(ProcessEnvironment([:])) }
  }

  @Test func aProjectFolderStandsForItsQueue() throws {
    let sandbox = try Sandbox()
    try sandbox.makeFolder("work/.sweepq")
    let location = try QueueLocation.find(
      option: "work", environment: home, workingDirectory: sandbox.path)
    #expect(location.path == "\(sandbox.path)/work/.sweepq")
  }

  @Test func aMissingQueueIsConfigurationWithARemedy() throws {
    let location = QueueLocation(path: "/nowhere/q", origin: .option)
    let error = #expect(throws: QueueError.self) { try location.require(mayCreate: true) }
    #expect(error?.code == .configuration)
    #expect(error?.remedy?.contains("sweepq init /nowhere/q") == true)
  }
}
