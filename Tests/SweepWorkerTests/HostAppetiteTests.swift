import Testing

@testable import SweepWorker

/// How much a host without a scheduler's queue is given.
struct HostAppetiteTests {
  /// A worker that gives it all there is room for, and hears of it `answers` answers later.
  private func give(_ appetite: inout HostAppetite, having count: Int = 0, ends: Int, answers: Int = 2) -> Int
  {
    let room = appetite.room(having: count)
    for _ in 1..<answers { appetite.noteAnswer(waiting: 0, running: room + count) }
    for _ in 0..<ends { appetite.noteEnd() }
    let left = room + count - ends
    appetite.noteAnswer(waiting: max(0, left - appetite.slots), running: min(left, appetite.slots))
    return room
  }

  @Test func whatIsGoneAtOnceIsGivenManyAtATime() {
    var appetite = HostAppetite(slots: 2)
    var given: [Int] = []
    for _ in 0..<4 { given.append(give(&appetite, ends: appetite.wanted)) }
    #expect(given == [4, 16, 64, 256])
  }

  @Test func whatLastsLongerIsGivenMoreSlowly() {
    var appetite = HostAppetite(slots: 2)
    #expect(give(&appetite, ends: 4, answers: 9) == 4)
    #expect(appetite.wanted == 8)
    // It still runs the last two when the others have ended.
    #expect(give(&appetite, ends: 6) == 8 && appetite.wanted == 16)
  }

  @Test func whatStaysThereIsNotGivenMore() {
    var appetite = HostAppetite(slots: 4)
    #expect(appetite.room(having: 0) == 8 && appetite.room(having: 7) == 0)
    for _ in 0..<3 { _ = give(&appetite, ends: appetite.wanted) }
    #expect(appetite.wanted == 512)
    for _ in 0..<200 { appetite.noteAnswer(waiting: 100, running: 4) }
    #expect(appetite.wanted == 8)
  }
}
