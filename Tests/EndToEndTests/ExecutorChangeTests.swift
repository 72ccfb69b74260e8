import SweepModel
import SweepStore
import Testing

/// Executors are added, shown, switched and removed, and the rest of config.yaml stays as it was.
struct ExecutorChangeTests {
  private static let file = "work/.sweepq/config.yaml"
  private static let nothing = ["PATH": "/nowhere"]

  private func configuration(_ sandbox: Sandbox) throws -> String { try #require(sandbox.read(Self.file)) }

  @Test func addShowSwitchAndRemove() throws {
    let sandbox = try Sandbox.withQueue()
    let before = "# mine\nslots: 3\nexecutors:\n  # the old one\n  short: {scheduler: pbs} # ours\ncpus: 2\n"
    try sandbox.write(before, to: Self.file)
    let added = try sandbox.succeed(
      "executors", "add", "lab", "--ssh", "me@lab.example.org", "--scheduler", "direct", "--set",
      "capacity.slots=4", "--set", "setup=module load gcc", "--set", "setup=echo '# hi'", "--set",
      "variables.python=/opt/my python", "--set", "tags=gpu,avx512")
    #expect(added.output.contains("lab stands in") && added.output.contains("executors test lab"))
    let text = try configuration(sandbox)
    #expect(
      text.hasPrefix(
        "# mine\nslots: 3\nexecutors:\n  # the old one\n  short: {scheduler: pbs} # ours\n  lab:\n"))
    #expect(text.hasSuffix("\ncpus: 2\n") && text.contains("\n    capacity:\n      slots: 4\n"))

    let shown = try sandbox.json("executors", "show", "lab")
    #expect(shown.executor.ssh.text == "me@lab.example.org" && shown.executor.enabled.bool == true)
    #expect(shown.settings.capacity.value.slots.text == "4" && shown.settings.capacity.origin.text == "queue")
    #expect(shown.settings.setup.value.array.map(\.text) == ["module load gcc", "echo '# hi'"])
    #expect(shown.settings.variables.value.python.text == "/opt/my python")
    #expect(shown.settings.root.value.text == ".sweepq" && shown.settings.root.origin.text == nil)
    let page = try sandbox.succeed("executors", "show", "lab").output
    #expect(page.contains("configured in") && page.contains("not used yet") && page.contains("gpu, avx512"))
    #expect(!page.contains("max_in_flight"))
    #expect(try sandbox.succeed("executors", "show", "lab", "--all").output.contains("max_in_flight"))
    #expect(try sandbox.succeed("executors", "show", "lab", "-q").output == "lab\n")
    #expect(try sandbox.succeed("executors", "show", "slurm").output.contains("not configured"))

    #expect(try sandbox.json("executors", "disable", "lab").enabled.bool == false)
    try sandbox.refuse(78, "the executor lab is disabled", "worker", "--backend", "lab", "--until-empty")
    #expect(try sandbox.succeed("executors").output.contains("disabled: it takes no new jobs"))
    #expect(try sandbox.json("executors", "show", "lab").settings.enabled.value.text == "false")
    try sandbox.succeed("executors", "disable", "short")
    #expect(try configuration(sandbox).contains("  short: {enabled: false, scheduler: pbs} # ours\n"))
    try sandbox.succeed("executors", "enable", "lab")
    try sandbox.succeed("executors", "enable", "short")
    #expect(try sandbox.json("executors").executors.array.allSatisfy { $0.enabled.bool == true })

    #expect(try sandbox.succeed("executors", "remove", "lab").output.contains("no executor of this queue"))
    #expect(
      try configuration(sandbox).replacing("enabled: true, ", with: "") == before
        && sandbox.json("config", "list").settings.cpus.value.text == "2")
  }

  @Test func aKindThatWasNeverConfiguredIsSwitched() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("executors", "enable", "slurm")
    #expect(!sandbox.exists(Self.file))
    try sandbox.succeed("executors", "disable", "slurm")
    #expect(try configuration(sandbox) == "executors:\n  slurm:\n    scheduler: slurm\n    enabled: false\n")
    try sandbox.refuse(78, "slurm is disabled", "worker", "--backend", "slurm")
    try sandbox.refuse(64, "local is this machine", "executors", "disable", "local")
  }

  @Test func badInputChangesNothing() throws {
    let sandbox = try Sandbox.withQueue()
    let text = "executors:\n  a: {scheduler: pbs}\n"
    try sandbox.write(text, to: Self.file)
    try sandbox.refuse(78, "has an executor a already", "executors", "add", "a")
    try sandbox.refuse(78, "cannot be an executor's name", "executors", "add", "9x")
    try sandbox.refuse(78, "cannot be an executor's name", "executors", "add", "local")
    try sandbox.refuse(78, "'ssh' cannot be '-oX'", "executors", "add", "b", "--ssh=-oX")
    try sandbox.refuse(78, "'scheduler' cannot be 'torque'", "executors", "add", "b", "--scheduler", "torque")
    try sandbox.refuse(78, "Did you mean 'partition'?", "executors", "add", "b", "--set", "partitoin=x")
    try sandbox.refuse(64, "is not name=value", "executors", "add", "b", "--set", "partition")
    try sandbox.refuse(78, "'capacity' holds values by name", "executors", "add", "b", "--set", "capacity=4")
    try sandbox.refuse(
      78, "'nodes' is set twice", "executors", "add", "b", "--set", "nodes=1", "--set", "nodes=2")
    try sandbox.refuse(64, "the name of a kind", "executors", "add", "pbs", "--scheduler", "slurm")
    try sandbox.refuse(64, "there is no executor named nope", "executors", "enable", "nope")
    try sandbox.refuse(64, "there is no executor named nope", "executors", "show", "nope")
    try sandbox.refuse(78, "has no executor nope", "executors", "remove", "nope")
    #expect(try configuration(sandbox) == text)
    for file in ["executors: {a: {nodes: x}}\n", "executors: 3\n", "slots: no\n"] {
      try sandbox.write(file, to: Self.file)
      try sandbox.refuse(78, "config.yaml", "executors", "add", "b")
      #expect(try configuration(sandbox) == file)
    }
    let flow = "executors: {a: {scheduler: pbs}, c: {}}\n"
    try sandbox.write(flow, to: Self.file)
    try sandbox.refuse(78, "cannot be changed safely", "executors", "add", "b")
    try sandbox.refuse(78, "cannot be changed safely", "executors", "remove", "a")
    #expect(try configuration(sandbox) == flow)
  }

  @Test func whatIsTheUsersForAllQueuesIsLeftToThem() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.makeFolder("home/.config")
    try sandbox.makeFolder("home/.config/sweepq")
    let text = "executors:\n  uni:\n    scheduler: pbs\n    partition: q\n"
    try sandbox.write(text, to: "home/.config/sweepq/config.yaml")
    try sandbox.refuse(78, "for all queues", "executors", "disable", "uni")
    try sandbox.refuse(78, "for all queues", "executors", "remove", "uni")
    let shown = try sandbox.json("executors", "show", "uni")
    #expect(shown.settings.queue.origin.text == "user" && shown.settings.queue.value.text == "q")
    #expect(sandbox.read("home/.config/sweepq/config.yaml") == text && !sandbox.exists(Self.file))
    // The queue's own of that name goes before.
    try sandbox.succeed("executors", "add", "uni", "--scheduler", "slurm")
    try sandbox.succeed("executors", "disable", "uni")
    #expect(try sandbox.json("executors", "show", "uni").settings.enabled.origin.text == "queue")
  }

  @Test func anExecutorWithJobsInHandIsNotRemoved() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("executors", "add", "lab", "--scheduler", "pbs")
    try sandbox.succeed("submit", "--backend", "lab", "-p", "i=1..3", "--", "true")
    // A worker that has died after it had claimed one.
    let store = try Store(QueueFolder(path: "\(sandbox.path)/work/.sweepq"))
    try store.register(executor: "lab", host: "here", scheduler: "pbs", title: "PBS 1")
    try claimOne(store, executor: "lab")
    try sandbox.refuse(75, "lab has 1 job in hand", "executors", "remove", "lab")
    #expect(try sandbox.json("executors", "disable", "lab").in_hand.int == 1)
    let forced = try sandbox.json("executors", "remove", "lab", "--force")
    #expect(forced.in_hand.int == 1 && forced.bound.int == 3)
    #expect(try sandbox.json("executors").executors[0].configured.bool == false)
    try sandbox.succeed("executors", "add", "lab", "--scheduler", "pbs")
    #expect(try sandbox.json("executors", "show", "lab").executor.claimed.int == 1)
  }

  @Test func whatALostExecutorHadInHandComesBack() throws {
    let sandbox = try Sandbox.withQueue()
    try sandbox.succeed("executors", "add", "lab", "--scheduler", "pbs")
    try sandbox.succeed("submit", "-p", "i=1..3", "--", "true")
    let store = try Store(QueueFolder(path: "\(sandbox.path)/work/.sweepq"))
    try store.register(executor: "lab", host: "here", scheduler: "pbs", title: "PBS 1")
    try claimOne(store, executor: "lab")
    let removed = try sandbox.json("executors", "remove", "lab", "--lost")
    #expect(removed.lost.int == 1 && removed.in_hand.int == 0)
    #expect(try sandbox.json("status").counts.queued.int == 3)
    try sandbox.succeed("check")
  }

  private func claimOne(_ store: Store, executor: String) throws {
    let seat = try store.seatWorker(
      host: "here", bootID: "boot", pid: 1, backend: executor,
      capacity: WorkerCapacity(slots: 1, cpus: 1, memory: nil, gpus: 0))
    var random = SystemRandomness()
    let outcome = try store.turn(Turn(worker: seat.id, executor: executor, now: .now), random: &random) {
      offer in
      offer.lanes.first.map { [($0.lane, 1)] } ?? []
    }
    #expect(outcome.claimed.count == 1)
  }
}
