import SweepModel
import Testing

@testable import SweepExecutors

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A host without a scheduler runs what it is given, with real processes.
@Suite struct DirectLiveTests {
  @Test(arguments: DirectHarness.shells) func anArrayRunsEachTaskOnceAndNoMoreThanItsSlotsAtATime(
    shell: Shell
  ) throws {
    let harness = try DirectHarness(shell: shell, slots: 3, cpus: 8)
    let count = shell.words[0].hasSuffix("/sh") ? 200 : 40
    try #require(mkdir("\(harness.folder)/now", 0o700) == 0)
    let id = try harness.submit(
      "scan-1",
      """
      : >"now/$SWEEPQ_TASK"
      set -- now/*
      echo "$SWEEPQ_TASK $#" >>ran
      [ $((SWEEPQ_TASK % 10)) -ne 0 ] || sleep 0.05
      rm "now/$SWEEPQ_TASK"
      exit $((SWEEPQ_TASK % 2 * 3))
      """, count: count)
    let states = try harness.end(of: id)
    #expect(states == (1...count).map { $0.isMultiple(of: 2) ? .completed : .failed })
    let ran = harness.lines("ran").map { $0.split(separator: " ").compactMap { Int($0) } }
    #expect(ran.map { $0[0] }.sorted() == Array(1...count))
    #expect(ran.map { $0[1] }.max()! <= 3)
    let seen = try harness.status(id)
    #expect(seen.map(\.task) == (1...count).map { NativeTask(id, task: $0) })
    #expect(seen[0].exitCode == 3 && seen[1].exitCode == 0 && seen[0].jobName == "scan-1")
    try eventually("the keeper's end") { harness.keepers.isEmpty }
    try eventually("the end of its ticker") { DirectHarness.processes(naming: harness.spool).isEmpty }
    #expect(try harness.states(id) == states)
  }

  @Test func aSingleJobRunsInItsFolder() throws {
    let harness = try DirectHarness()
    let id = try harness.submit("one", "pwd\necho \"task ${SWEEPQ_TASK-none}\"\necho oops >&2\nexit 7")
    #expect(try harness.end(of: id) == [.failed])
    let seen = try harness.status(id)
    #expect(seen[0].task == NativeTask(id) && seen[0].exitCode == 7)
    #expect(harness.lines("log") == [harness.folder, "task none", "oops"])
  }

  @Test func whatIsSubmittedTwiceRunsOnce() throws {
    let harness = try DirectHarness()
    let request = harness.request("twice", "echo x >>ran", count: 3)
    let first = try harness.receipt(request)
    #expect(try harness.receipt(request) == first)
    let id = NativeID(rawValue: "twice@\(HostIdentity.hostname)")
    #expect(first == .accepted(id))
    _ = try harness.end(of: id)
    #expect(try harness.receipt(request) == first)
    #expect(try harness.end(of: id) == [.completed, .completed, .completed])
    #expect(harness.lines("ran").count == 3)
    let dialect = harness.dialect
    func found(_ name: String) -> Reading<[NativeID]> {
      dialect.readLookUp(harness.ask(dialect.lookUp(name: name, since: .now)), name: name)
    }
    #expect(found("twice") == .found([id]))
    #expect(found("twic") == .found([]) && found("twice2") == .found([]))
  }

  @Test func jobsStartInTheirOrderAndWaitForWhatTheyNeed() throws {
    let harness = try DirectHarness(slots: 10, cpus: 3, memory: MemorySize(rawValue: 1 << 30))
    let block = "while [ ! -e go ]; do sleep 0.02; done"
    let first = try harness.submit("first", block, resources: Resources(cpus: 2))
    let second = try harness.submit("second", "echo second >>order", resources: Resources(cpus: 2))
    let third = try harness.submit(
      "third", "echo third >>order", resources: Resources(cpus: 1, memory: MemorySize(rawValue: 1 << 29)))
    try eventually("the first") { try harness.states(first) == [.running] }
    // One processor is free, but the second has been waiting for it for longer than the third.
    let waiting = try harness.status(second)
    #expect(waiting.map(\.state) == [.pending] && waiting[0].reason == "waits for 2 of the cpus")
    #expect(try harness.states(third) == [.pending])
    let queue = try #require(harness.dialect.readQueue(harness.ask(harness.dialect.queue())).value)
    #expect(queue.map(\.jobName) == ["first", "second", "third"])
    #expect(queue.map(\.position) == [nil, 1, 2] && queue[1].pending == 2)
    try harness.write("go")
    for id in [first, second, third] { #expect(try harness.end(of: id) == [.completed]) }
    #expect(Set(harness.lines("order")) == ["second", "third"])
  }

  @Test func whatTheHostDoesNotHaveIsRejected() throws {
    let harness = try DirectHarness(slots: 1, cpus: 2, memory: MemorySize(rawValue: 1 << 30))
    for (resources, words) in [
      (Resources(cpus: 3), "3 cpus"), (Resources(memory: MemorySize(rawValue: 2 << 30)), "2048 MiB"),
      (Resources(gpus: 1), "1 gpus"), (Resources(cluster: ClusterRequest(queue: "nosuch")), "nosuch"),
      (Resources(cluster: ClusterRequest(options: ["--mail-type=ALL"])), "--mail-type=ALL"),
    ] {
      guard case .rejected(let why) = try harness.receipt(harness.request("no", "true", resources: resources))
      else {
        Issue.record("\(resources) was not rejected")
        continue
      }
      #expect(why.contains(words), "\(why)")
    }
    let limits = harness.dialect.readLimits(harness.dialect.limits().map { harness.ask($0) })
    #expect(limits.contains(SiteLimit(.other, name: "cpus", value: "2")))
    #expect(limits.contains(SiteLimit(.other, name: "memory", value: "1024 MiB")))
    #expect(harness.keepers.isEmpty)
  }

  @Test func gpusAreGivenOutOneByOne() throws {
    let harness = try DirectHarness(slots: 8, cpus: 8, gpus: "nvidia:0,1,3")
    let id = try harness.submit(
      "gpu",
      """
      for g in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do
        mkdir "g$g" || echo "$g is not free" >>errors
        echo "$g" >>used
      done
      sleep 0.03
      for g in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do rmdir "g$g"; done
      """, count: 12, resources: Resources(gpus: 1))
    let pair = try harness.submit(
      "pair", "echo \"$CUDA_VISIBLE_DEVICES\" >>pairs; sleep 0.02", count: 2, resources: Resources(gpus: 2))
    #expect(try harness.end(of: id).allSatisfy { $0 == .completed })
    #expect(try harness.end(of: pair).allSatisfy { $0 == .completed })
    #expect(harness.lines("errors").isEmpty)
    #expect(Set(harness.lines("used")) == ["0", "1", "3"] && harness.lines("used").count == 12)
    #expect(harness.lines("pairs").allSatisfy { $0.split(separator: ",").count == 2 })
  }

  @Test func aThrottleIsObeyedAndLetsOthersPass() throws {
    let harness = try DirectHarness(slots: 4, cpus: 4)
    let id = try harness.submit(
      "slow", "echo up >>up; while [ ! -e go ]; do sleep 0.02; done", count: 3, throttle: 1)
    let other = try harness.submit("other", "true", count: 5)
    #expect(try harness.end(of: other).count == 5)
    let seen = try harness.status(id)
    #expect(seen.map(\.state) == [.running, .pending, .pending])
    #expect(seen[1].reason?.contains("no more than 1") == true)
    try harness.write("go")
    #expect(try harness.end(of: id).allSatisfy { $0 == .completed })
  }

  @Test func twoWorkersShareTheSlots() throws {
    let harness = try DirectHarness(slots: 2, cpus: 2)
    try #require(mkdir("\(harness.folder)/now", 0o700) == 0)
    let body = """
      : >"now/$$"
      set -- now/*
      echo $# >>ran
      sleep 0.02
      rm "now/$$"
      """
    let requests = (1...4).map { harness.request("w-\($0)", body, count: 10) }
    let calls = try requests.map {
      CommandCall(
        try harness.dialect.submission(of: $0).command, folder: "/", environment: harness.environment)
    }
    var ids: [NativeID] = []
    for call in calls {
      var answer: CommandAnswer?
      try eventually("a receipt") {
        answer = answer ?? call.answer()
        return answer != nil
      }
      guard let answer, case .accepted(let id) = harness.dialect.receipt(answer) else {
        throw TestFailure("\(String(describing: answer))")
      }
      ids.append(id)
    }
    try eventually("one keeper") { harness.keepers.count == 1 }
    for id in ids { #expect(try harness.end(of: id).allSatisfy { $0 == .completed }) }
    #expect(harness.lines("ran").count == 40 && harness.lines("ran").compactMap { Int($0) }.max()! <= 2)
  }

  @Test(arguments: DirectHarness.shells) func tasksAreHeldReleasedAndCancelled(shell: Shell) throws {
    let harness = try DirectHarness(shell: shell, slots: 1, cpus: 1)
    let dialect = harness.dialect
    let id = try harness.submit(
      "hold", "echo $SWEEPQ_TASK >>ran; while [ ! -e go ]; do sleep 0.02; done", count: 6)
    try eventually("the first task") { try harness.states(id)[0] == .running }
    #expect(try harness.control(dialect.hold([4, 5].map { NativeTask(id, task: $0) })) == [.done])
    #expect(
      try harness.states(id) == [.running, .pending, .pending, .held, .held, .pending])
    #expect(try harness.control(dialect.cancel([2, 3].map { NativeTask(id, task: $0) })) == [.done])
    #expect(try harness.states(id) == [.running, .cancelled, .cancelled, .held, .held, .pending])
    try harness.write("go")
    try eventually("the last task") { try harness.states(id)[5] == .completed }
    #expect(try harness.control(dialect.release([NativeTask(id, task: 5)])) == [.done])
    try eventually("the released task") { try harness.states(id)[4] == .completed }
    #expect(try harness.states(id)[3] == .held)
    #expect(try harness.control(dialect.hold([NativeTask(id)])) == [.done])
    #expect(try harness.control(dialect.release([NativeTask(id)])) == [.done])
    #expect(
      try harness.end(of: id) == [.completed, .cancelled, .cancelled, .completed, .completed, .completed])
    #expect(harness.lines("ran") == ["1", "6", "5", "4"])
    let unknown = NativeTask(NativeID(rawValue: "nosuch@\(HostIdentity.hostname)"))
    #expect(try harness.control(dialect.cancel([unknown])).map(\.kind) == ["notKnown"])
    #expect(try harness.control(dialect.cancel([NativeTask(id)])) == [.done])
  }

  @Test(arguments: DirectHarness.shells) func aCancelReachesWhatHasLeftItsSession(shell: Shell) throws {
    let harness = try DirectHarness(shell: shell)
    let id = try harness.submit(
      "tree",
      """
      (setsid sh -c 'trap "" TERM; echo $$ >stray; while :; do sleep 0.05; done' >/dev/null 2>&1 &)
      sh -c 'echo $$ >child; exec sleep 300'
      """)
    try eventually("its processes") {
      fileExists("\(harness.folder)/stray") && fileExists("\(harness.folder)/child")
    }
    // The attempts of this one say how long they may take to end.
    try harness.write("tasks", "t0 \(harness.folder)\n")
    try harness.write("order", "# sweepq order grace=1\n")
    #expect(try harness.control(harness.dialect.cancel([NativeTask(id)])) == [.done])
    let states = try harness.end(of: id)
    #expect(states == [.cancelled], "\(fileText("\(harness.spool)/jobs/tree/summary") ?? "no summary")")
    for file in ["stray", "child"] {
      let pid = try #require(harness.lines(file).first.flatMap { Int32($0) })
      try eventually("the end of \(file)") { kill(pid, 0) != 0 }
    }
  }
}
