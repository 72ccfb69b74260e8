import Testing

@testable import SweepModel

/// Executors are written into a config.yaml without touching what else stands there.
@Suite struct ExecutorEditTests {
  private static let file = """
    # my settings
    slots: 4
    executors: # these
      # the first
      a:
        scheduler: pbs # here
        setup:
        - module load x

      # the second
      b: {scheduler: slurm, time: 1h} # flow
      c:

    # trailing
    cpus: 2

    """

  private func lab() throws -> ExecutorEntry {
    var entry = try ExecutorEntry(name: "lab", comment: "the lab's\nmachine")
    for (key, value) in [
      ("ssh", "me@lab"), ("capacity.slots", "4"), ("variables.python", "/opt/x y"), ("tags", "gpu, avx"),
      ("setup", "module load gcc: 1"), ("setup", "# \"q\" \\ 'x'"), ("workdir", "~/p"),
      ("options", "--comment=null"), ("env.A", "~"), ("account", "null"), ("qos", "- x"),
      ("reservation", "*ref"), ("constraint", "[a|b]&c"), ("ssh_options", "ProxyCommand=ssh -W %h:%p gate"),
    ] { try entry.assign(key, value) }
    return entry
  }

  private func add(_ entry: ExecutorEntry, to yaml: String) throws -> String {
    try ExecutorSettings.adding([entry], to: yaml, file: "config.yaml")
  }

  private func read(_ yaml: String) throws -> [String: ExecutorSettings] {
    try ExecutorSettings.parse(yaml: yaml, file: "config.yaml")
  }

  @Test func whatIsWrittenIsReadAsItWasMeant() throws {
    let entry = try lab()
    let lab = try #require(try read(add(entry, to: ""))["lab"])
    #expect(lab == (try entry.read()))
    #expect(lab.setup == ["module load gcc: 1", "# \"q\" \\ 'x'"] && lab.tags == ["gpu", "avx"])
    #expect(lab.environment == ["A": "~"] && lab.cluster.account == "null" && lab.cluster.qos == "- x")
    #expect(lab.cluster.reservation == "*ref" && lab.cluster.constraint == "[a|b]&c")
    #expect(lab.capacity.slots == 4 && lab.variables == ["python": "/opt/x y"] && lab.workdir == "p")
  }

  @Test func addingKeepsCommentsAndOrder() throws {
    let after = try add(lab(), to: Self.file)
    let place = try #require(Self.file.range(of: "  c:\n"))
    #expect(
      after.hasPrefix(Self.file[..<place.upperBound]) && after.hasSuffix(Self.file[place.upperBound...]))
    #expect(after.contains("  # the lab's machine\n  lab:\n    ssh: me@lab\n"))
    #expect(try read(after).keys.sorted() == ["a", "b", "c", "lab"])
    #expect(try QueueSettings.parse(yaml: after, file: "").cpus == 2)
  }

  @Test(arguments: [
    ("", "executors:\n  z:\n    nodes: 2\n"),
    ("# only this\n", "# only this\nexecutors:\n  z:\n    nodes: 2\n"),
    ("slots: 3", "slots: 3\nexecutors:\n  z:\n    nodes: 2\n"),
    ("executors:\nslots: 3\n", "executors:\n  z:\n    nodes: 2\nslots: 3\n"),
    ("executors: {} # none\nslots: 3\n", "executors: # none\n  z:\n    nodes: 2\nslots: 3\n"),
    (
      "executors:\r\n    y:\r\n        nodes: 1\r\nslots: 3\r\n",
      "executors:\r\n    y:\r\n        nodes: 1\r\n    z:\r\n      nodes: 2\r\nslots: 3\r\n"
    ),
    (
      "executors:\n  y:\n    setup:\n    - |\n      a\n\n      # b\n    nodes: 1\n",
      "executors:\n  y:\n    setup:\n    - |\n      a\n\n      # b\n    nodes: 1\n  z:\n    nodes: 2\n"
    ),
  ])
  func addingToEveryWayOfWriting(before: String, after: String) throws {
    var entry = try ExecutorEntry(name: "z")
    try entry.assign("nodes", "2")
    #expect(try add(entry, to: before) == after)
  }

  @Test func switching() throws {
    var text = Self.file
    for name in ["a", "b", "c"] {
      text = try ExecutorSettings.enabling(name, false, in: text, file: "config.yaml")
      #expect(try read(text)[name]?.isEnabled == false)
    }
    #expect(
      text.contains("  b: {enabled: false, scheduler: slurm, time: 1h} # flow\n  c:\n    enabled: false\n"))
    #expect(text.contains("  a:\n    enabled: false\n    scheduler: pbs # here\n"))
    for name in ["a", "b", "c"] {
      text = try ExecutorSettings.enabling(name, true, in: text, file: "config.yaml")
      #expect(try read(text)[name]?.isEnabled == true)
    }
    #expect(
      text.replacing("    enabled: true\n", with: "").replacing("enabled: true, ", with: "") == Self.file)
    #expect(try ExecutorSettings.enabling("a", true, in: text, file: "config.yaml") == text)
  }

  @Test func removing() throws {
    let after = try ExecutorSettings.removing("a", from: Self.file, file: "config.yaml")
    let lines = "  a:\n    scheduler: pbs # here\n    setup:\n    - module load x\n"
    #expect(after == Self.file.replacing(lines, with: ""))
    var text = after
    for name in ["b", "c"] { text = try ExecutorSettings.removing(name, from: text, file: "config.yaml") }
    #expect(try read(text).isEmpty && text.contains("# these") && text.hasSuffix("# trailing\ncpus: 2\n"))
  }

  @Test(arguments: [
    "executors: {a: {nodes: 1}}\n", "{executors: {a: {nodes: 1}}}\n", "executors:\n  a: {\n nodes: 1}\n",
    "executors: &x\n  a: &y {nodes: 1}\n  b: *y\n", "---\nexecutors:\n  a: {nodes: 1}\n...\n",
    "? executors\n: a: {nodes: 1}\n", "\"executors\":\n  'a':\n    \"nodes\": 1\n",
    "executors:\n  a: {nodes: 1, enabled: 'yes'}\n",
  ])
  func whatCannotBeChangedSafelyIsRefusedAndNeverWrong(yaml: String) throws {
    let before = try read(yaml)
    var expected = before
    expected["lab"] = try lab().read()
    if let added = refusable({ try add(lab(), to: yaml) }) { #expect(try read(added) == expected) }
    expected = before
    expected["a"]?.isEnabled = false
    if let disabled = refusable({ try ExecutorSettings.enabling("a", false, in: yaml, file: "config.yaml") })
    {
      #expect(try read(disabled) == expected)
    }
    expected = before
    expected["a"] = nil
    if let removed = refusable({ try ExecutorSettings.removing("a", from: yaml, file: "config.yaml") }) {
      #expect(try read(removed) == expected)
    }
  }

  /// Nil where the file is said to be not changeable.
  private func refusable(_ change: () throws -> String) -> String? {
    do { return try change() } catch {
      #expect((error as? QueueError)?.message.contains("cannot be changed safely") == true, "\(error)")
      return nil
    }
  }

  @Test func whatIsNotThereOrThereAlready() throws {
    let again = try #require(throws: QueueError.self) {
      try ExecutorSettings.adding([ExecutorEntry(name: "a")], to: Self.file, file: "config.yaml")
    }
    #expect(again.message.contains("has an executor a already"))
    for change in [
      { try ExecutorSettings.removing("z", from: Self.file, file: "config.yaml") },
      { try ExecutorSettings.enabling("z", false, in: Self.file, file: "config.yaml") },
    ] {
      let error = try #require(throws: QueueError.self) { try change() }
      #expect(error.message == "config.yaml has no executor z")
    }
    let broken = try #require(throws: QueueError.self) { try add(lab(), to: "executors: {a: {b: c}}") }
    #expect(broken.message.contains("'b' is not a setting"))
  }

  @Test(arguments: [
    ("foo", "1", "'foo' is not a setting"), ("nodes", "x", "'nodes' cannot be 'x'"),
    ("capacity", "4", "'capacity' holds values by name"),
    ("capacity.", "4", "'capacity' holds values by name"),
    ("capacity.x", "4", "'x' is not a part"), ("nodes.x", "4", "'nodes' is a single value"),
    ("ssh", "-x", "'ssh' cannot be '-x'"), ("time", "soon", "'time'"),
  ])
  func aWrongAssignmentIsTold(key: String, value: String, words: String) throws {
    let error = try #require(throws: QueueError.self) {
      var entry = try ExecutorEntry(name: "z")
      try entry.assign(key, value)
    }
    #expect(error.message.contains(words), "\(error.message)")
    for name in ["local", "auto", "", "9", "a b"] {
      #expect(throws: QueueError.self) { try ExecutorEntry(name: name) }
    }
  }

  @Test func aCopyOfAProjectIsWrittenAsItIsRead() throws {
    var entry = try ExecutorEntry(name: "lab")
    for (key, value) in [
      ("ssh", "lab"), ("sync", "~/p"), ("sync.exclude", "*.o"), ("sync.exclude", "a b"),
      ("sync.delete", "true"),
    ] { try entry.assign(key, value) }
    let settings = try entry.read()
    #expect(try read(add(entry, to: ""))["lab"] == settings)
    #expect(settings.sync?.exclusions == ["*.o", "a b"] && settings.sync?.deletes == true)
    let error = try #require(throws: QueueError.self) { try entry.assign("workdir", "elsewhere") }
    #expect(error.message.contains("workdir"), "\(error.message)")
  }

  @Test func everySettingHasItsText() throws {
    var entry = try lab()
    for (key, value) in [
      ("scheduler", "slurm"), ("queue", "q"), ("gpu_type", "a100"), ("exclusive", "true"), ("nodes", "2"),
      ("tasks_per_node", "3"), ("mem_per_cpu", "2G"), ("mem", "1.5G"), ("time", "1h30m"), ("array", "false"),
      ("throttle", "3"), ("bundle", "4"), ("bundle_parallel", "2"), ("max_in_flight", "7"),
      ("submit_rate", "8"), ("poll", "3s"), ("poll_max", "4s"), ("start_deadline", "1m"),
      ("late_files", "2s"),
      ("watch", "5s"), ("root", "r"), ("connect_timeout", "9s"), ("weight", "1.5"), ("enabled", "false"),
      ("ssh_config", "~/.ssh/lab"), ("capacity.mem", "4G"), ("capacity.cpus", "3"), ("capacity.gpus", "1"),
      ("checks", "true"), ("check_timeout", "4s"),
      ("check_every", "6s"), ("aside_after", "5"), ("aside_pause", "7s"), ("aside_pause_max", "8s"),
      ("min_free_disk", "1G"),
    ] { try entry.assign(key, value) }
    let settings = try entry.read()
    var again = try ExecutorEntry(name: "lab")
    for key in ExecutorSettings.Key.allCases where key != .partition && key != .sync {
      switch try #require(settings.value(of: key), "\(key)") {
      case .text(let text): again.set(key, text)
      case .list(let items): for item in items { again.set(key, item) }
      case .mapping(let pairs): for pair in pairs { again.set(key, pair.name, pair.text) }
      }
    }
    #expect(try again.read() == settings)
    let keys = ExecutorSettings.keys(of: "lab", in: try add(entry, to: ""))
    #expect(keys == Set(ExecutorSettings.Key.allCases).subtracting([.partition, .sync]))
  }
}
