import SweepModel
import Testing

@testable import SweepWorker

@Suite struct AllotmentTests {
  private let one = Resources(cpus: 2, memory: MemorySize(rawValue: 100), gpus: 1)

  @Test func whatIsTakenComesBack() {
    var allotment = Allotment(slots: 4, cpus: 8, memory: 1000, devices: ["0", "1", "2"])
    let first = allotment.take(one)
    let second = allotment.take(Resources(cpus: 1, gpus: 2))
    #expect(first == ["0"])
    #expect(second == ["1", "2"])
    #expect(allotment.free == Capacity.Amounts(slots: 2, cpus: 5, memory: 900, gpus: 0, nodes: 1))
    allotment.giveBack(one, devices: first)
    #expect(allotment.freeDevices == ["0"])
    allotment.giveBack(Resources(cpus: 1, gpus: 2), devices: second)
    #expect(allotment.free == allotment.total)
    #expect(allotment.freeDevices == ["0", "1", "2"])
  }

  @Test func anAdoptedDeviceThatIsNotOursIsNotHandedOutLater() {
    var allotment = Allotment(slots: 4, cpus: 8, memory: 1000, devices: ["1"])
    let booked = allotment.book(one, devices: ["0"])
    // Our own is free all the time.
    #expect(allotment.free.gpus == 1)
    allotment.giveBack(one, devices: booked)
    #expect(allotment.freeDevices == ["1"])
    #expect(allotment.free == allotment.total)
  }

  @Test func aDeviceHeldTwiceIsFreeWhenBothHaveEnded() {
    var allotment = Allotment(slots: 4, cpus: 8, memory: 1000, devices: ["0", "1"])
    let first = allotment.book(one, devices: ["0"])
    let second = allotment.book(one, devices: ["0"])
    #expect(allotment.free.gpus == 1)
    allotment.giveBack(one, devices: first)
    #expect(allotment.freeDevices == ["1"])
    allotment.giveBack(one, devices: second)
    #expect(allotment.freeDevices == ["0", "1"])
  }

  @Test func unknownDevicesCouldBeAny() {
    var allotment = Allotment(slots: 4, cpus: 8, memory: 1000, devices: ["0", "1"])
    let booked = allotment.book(one, devices: [])
    #expect(allotment.free.gpus == 0)
    allotment.giveBack(one, devices: booked)
    #expect(allotment.free == allotment.total)
  }

  @Test func adoptedAttemptsMayHoldMoreThanThereIs() {
    var allotment = Allotment(slots: 1, cpus: 1, memory: 10, devices: [])
    let booked = (0..<3).map { _ in allotment.book(one, devices: []) }
    #expect(allotment.free == Capacity.Amounts(slots: -2, cpus: -5, memory: -290, nodes: 1))
    #expect(allotment.free.fitting(Resources()) == 0)
    for devices in booked { allotment.giveBack(one, devices: devices) }
    #expect(allotment.free == allotment.total)
  }

  @Test func aMachineIsOneNode() {
    let allotment = Allotment(slots: 4, cpus: 8, memory: 1000, devices: [])
    #expect(allotment.free.fitting(Resources(cluster: ClusterRequest(nodes: 1))) == 4)
    #expect(allotment.total.fitting(Resources(cluster: ClusterRequest(nodes: 2))) == 0)
    #expect(
      Capacity.Amounts(slots: 4, cpus: 8, memory: 0).fitting(Resources(cluster: ClusterRequest(nodes: 2)))
        == 4)
  }
}

@Suite struct LookAheadTests {
  @Test func nothingIsClaimedAheadBeforeAnythingIsKnownOrForLongJobs() {
    var lookAhead = LookAhead()
    #expect(lookAhead.depth == 0)
    lookAhead.note(duration: 1000)
    #expect(lookAhead.depth == 0)
  }

  @Test func theDepthIsAHorizonOfWorkAndHasALimit() {
    var lookAhead = LookAhead()
    lookAhead.note(duration: 4)
    #expect(lookAhead.depth == 10)
    var fast = LookAhead()
    fast.note(duration: 0)
    #expect(fast.depth == LookAhead.limit)
  }

  @Test func itFollowsTheDurations() {
    var lookAhead = LookAhead()
    for _ in 0..<20 { lookAhead.note(duration: 1) }
    #expect(lookAhead.depth > 0)
    for _ in 0..<5 { lookAhead.note(duration: 500) }
    #expect(lookAhead.depth == 0)
    for _ in 0..<60 { lookAhead.note(duration: 1) }
    #expect(lookAhead.depth > 0)
  }
}
