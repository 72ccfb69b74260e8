import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct HostTests {
  @Test func theHostIsKnown() {
    #expect(!HostIdentity.hostname.isEmpty)
    #expect(HostIdentity.bootID.utf8.count == 36)
    #expect(HostIdentity.processorCount >= 1)
    #expect(HostIdentity.totalMemory > 64 << 20)
  }

  @Test func measuresAreTaken() throws {
    let measures = HostMeasures.current()
    #expect(measures.load1 >= 0)
    #expect(try #require(measures.memAvailableBytes) > 0)
    #expect(try #require(HostMeasures.freeDiskBytes("/tmp")) > 0)
    #expect(HostMeasures.freeDiskBytes("/no/such/place") == nil)
  }

  @Test func memoryLinesAreReadInBytes() {
    let text = "MemTotal:       16 kB\nMemAvailable:    8 kB\nHugePages_Total:       0\nBad: x kB\n"
    #expect(MemoryInformation.value(of: "MemAvailable", in: text) == 8192)
    #expect(MemoryInformation.value(of: "Mem", in: text) == nil)
    #expect(MemoryInformation.value(of: "Bad", in: text) == nil)
  }

  @Test func signalsHaveTheirNames() {
    #expect(SignalName.of(11) == "SIGSEGV")
    #expect(SignalName.of(31) == "SIGSYS")
    #expect(SignalName.of(34) == "SIGRTMIN+0")
    #expect(SignalName.of(99) == "SIG99")
  }
}
