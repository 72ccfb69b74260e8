import SweepModel
import Testing

/// Every pair of states, written out: a change of the table must be made twice, knowingly.
@Suite struct JobStateTests {
  static let pairs: [(JobState, JobState, Bool)] = [
    (.held, .held, false),
    (.held, .waiting, true),
    (.held, .queued, true),
    (.held, .claimed, false),
    (.held, .submitted, false),
    (.held, .running, false),
    (.held, .completed, false),
    (.held, .failed, false),
    (.held, .cancelled, true),
    (.waiting, .held, true),
    (.waiting, .waiting, false),
    (.waiting, .queued, true),
    (.waiting, .claimed, false),
    (.waiting, .submitted, false),
    (.waiting, .running, false),
    (.waiting, .completed, false),
    (.waiting, .failed, false),
    (.waiting, .cancelled, true),
    (.queued, .held, true),
    (.queued, .waiting, false),
    (.queued, .queued, false),
    (.queued, .claimed, true),
    (.queued, .submitted, false),
    (.queued, .running, false),
    (.queued, .completed, false),
    (.queued, .failed, false),
    (.queued, .cancelled, true),
    (.claimed, .held, true),
    (.claimed, .waiting, true),
    (.claimed, .queued, true),
    (.claimed, .claimed, false),
    (.claimed, .submitted, true),
    (.claimed, .running, true),
    (.claimed, .completed, false),
    (.claimed, .failed, true),
    (.claimed, .cancelled, true),
    (.submitted, .held, true),
    (.submitted, .waiting, true),
    (.submitted, .queued, true),
    (.submitted, .claimed, false),
    (.submitted, .submitted, false),
    (.submitted, .running, true),
    (.submitted, .completed, true),
    (.submitted, .failed, true),
    (.submitted, .cancelled, true),
    (.running, .held, true),
    (.running, .waiting, true),
    (.running, .queued, true),
    (.running, .claimed, false),
    (.running, .submitted, false),
    (.running, .running, false),
    (.running, .completed, true),
    (.running, .failed, true),
    (.running, .cancelled, true),
    (.completed, .held, false),
    (.completed, .waiting, false),
    (.completed, .queued, true),
    (.completed, .claimed, false),
    (.completed, .submitted, false),
    (.completed, .running, false),
    (.completed, .completed, false),
    (.completed, .failed, false),
    (.completed, .cancelled, false),
    (.failed, .held, false),
    (.failed, .waiting, true),
    (.failed, .queued, true),
    (.failed, .claimed, false),
    (.failed, .submitted, false),
    (.failed, .running, false),
    (.failed, .completed, false),
    (.failed, .failed, false),
    (.failed, .cancelled, false),
    (.cancelled, .held, false),
    (.cancelled, .waiting, true),
    (.cancelled, .queued, true),
    (.cancelled, .claimed, false),
    (.cancelled, .submitted, false),
    (.cancelled, .running, false),
    (.cancelled, .completed, false),
    (.cancelled, .failed, false),
    (.cancelled, .cancelled, false),
  ]

  @Test(arguments: pairs) func everyPair(from: JobState, to: JobState, isAllowed: Bool) {
    #expect(from.mayBecome(to) == isAllowed)
    #expect(from.successors.contains(to) == isAllowed)
  }

  @Test func thePairsAreComplete() {
    let listed = Set(Self.pairs.map { "\($0.0) \($0.1)" })
    #expect(listed.count == 81)
    #expect(Self.pairs.count == 81)
    #expect(JobState.allCases.count == 9)
  }

  @Test(arguments: [
    (JobState.held, true), (.waiting, true), (.queued, true), (.claimed, false), (.submitted, false),
    (.running, false), (.completed, false), (.failed, false), (.cancelled, false),
  ])
  func newJobs(state: JobState, mayBeInserted: Bool) {
    #expect(JobState.initial.contains(state) == mayBeInserted)
  }

  @Test(arguments: [
    (JobState.held, false, false), (.waiting, false, false), (.queued, false, false), (.claimed, true, false),
    (.submitted, true, false), (.running, true, false), (.completed, false, true), (.failed, false, true),
    (.cancelled, false, true),
  ])
  func kinds(state: JobState, isActive: Bool, isFinal: Bool) {
    #expect(state.isActive == isActive)
    #expect(state.isFinal == isFinal)
  }

  @Test func aFinalStateIsLeftOnlyTowardsAnotherTry() {
    for state in JobState.allCases where state.isFinal {
      #expect(state.successors.isSubset(of: [.queued, .waiting]))
    }
  }

  @Test func namesAreThoseOfTheSchema() {
    #expect(
      JobState.allCases.map(\.rawValue) == [
        "held", "waiting", "queued", "claimed", "submitted", "running", "completed", "failed", "cancelled",
      ])
  }
}
