import SweepModel
import Testing

@Suite struct QueueSettingsTests {
  static let everything = """
    # the queue of the lab
    slots: 4
    cpus: 8
    mem: 16G            # of 32
    priority: -5
    retries: 2
    retry_delay: 1m30s
    inline_output: 16384
    max_load: 7.5
    min_free_mem: 512
    min_free_disk: 10G
    grace: 30
    distribution: weighted
    not_where_failed: true

    """

  @Test func everyKeyIsRead() throws {
    let settings = try QueueSettings.parse(yaml: Self.everything, file: "config.yaml")
    #expect(settings.slots == 4 && settings.cpus == 8 && settings.mem == MemorySize(rawValue: 16 << 30))
    #expect(settings.priority == -5 && settings.retries == 2 && settings.retryDelay == 90_000)
    #expect(settings.inlineOutput == 16384 && settings.maxLoad == 7.5)
    #expect(
      settings.minFreeMem == MemorySize(rawValue: 512 << 20)
        && settings.minFreeDisk == MemorySize(rawValue: 10 << 30))
    #expect(settings.grace == 30_000)
    let texts = QueueSettings.Key.allCases.map { settings.text(of: $0) }
    #expect(
      texts == [
        "4", "8", "16G", "-5", "2", "1m30s", "16384", "7.5", "512M", "10G", "30s", "weighted", "true",
      ])
    var again = QueueSettings()
    for (key, text) in zip(QueueSettings.Key.allCases, texts) { try again.set(key, to: text ?? "") }
    #expect(again == settings)
  }

  @Test(arguments: ["", "# nothing\n", "---\n", "slots:\ncpus: ~\n", "null\n"]) func emptyFilesSetNothing(
    yaml: String
  ) throws {
    let settings = try QueueSettings.parse(yaml: yaml, file: "c")
    #expect(settings == QueueSettings())
    #expect(QueueSettings.Key.allCases.allSatisfy { settings.text(of: $0) == nil })
  }

  @Test(arguments: [
    ("slots: many", "c.yaml:1:8: 'slots' must be a whole number, not 'many'"), ("\nslots: 0", "c.yaml:2:8"),
    ("slot: 4", "c.yaml:1:7: 'slot' is not a setting. Did you mean 'slots'?"),
    ("zzzzzzzz: 1", "The settings are: slots,"),
    ("retry-delay: 4", "Did you mean 'retry_delay'?"),
    ("slots: [1]", "c.yaml:1:8: 'slots' must be a single value"),
    ("mem: -1G", "c.yaml:1:6: 'mem': '-1G' is a negative amount"),
    ("grace: soon", "c.yaml:1:8: 'grace': 'soon' is not a length"),
    ("max_load: 0", "above 0"), ("max_load: .nan", "above 0"),
    ("- a", "c.yaml:1: there is no list of settings"),
    ("text", "no list of settings"), ("slots: 1\nslots: 2", "not valid YAML"), ("a: [", "not valid YAML"),
    ("slots: 1.5", "whole number"),
    ("retries: -1", "from 0 to"), ("? [a]\n: 1", "is not a setting"),
  ])
  func mistakesAreFound(yaml: String, part: String) {
    let message = complaint { _ = try QueueSettings.parse(yaml: yaml, file: "c.yaml") } ?? "accepted"
    #expect(message.contains(part), "\(message)")
  }

  @Test func layersAreMerged() throws {
    let flags = try QueueSettings.parse(yaml: "slots: 1", file: "")
    let environment = try QueueSettings.fromEnvironment([
      "SWEEPQ_SLOTS": "2", "SWEEPQ_RETRY_DELAY": "5s", "SWEEPQ_MEM": "", "X": "y",
    ])
    let queue = try QueueSettings.parse(yaml: "slots: 3\nretry_delay: 6\ncpus: 3", file: "")
    let merged = QueueSettings.merged([
      flags, environment, queue, try QueueSettings.parse(yaml: Self.everything, file: ""),
    ])
    #expect(
      merged.slots == 1 && merged.retryDelay == 5000 && merged.cpus == 3
        && merged.mem == MemorySize(rawValue: 16 << 30))
    #expect(merged.grace == 30_000 && merged.maxLoad == 7.5)
    let message = complaint { _ = try QueueSettings.fromEnvironment(["SWEEPQ_GRACE": "x"]) }
    #expect(message?.contains("SWEEPQ_GRACE") == true)
  }

  @Test(
    arguments: [
      ("slots: 4\n", "slots", "8", "slots: 8\n"),
      ("# a\nslots:   4   # four\ncpus: 1", "slots", "16", "# a\nslots:   16   # four\ncpus: 1"),
      ("slots: 4\ncpus: 1\n", "slots", nil, "cpus: 1\n"), ("cpus: 1", "slots", "2", "cpus: 1\nslots: 2\n"),
      ("", "slots", "2", "slots: 2\n"),
      ("cpus: 1\n", "slots", nil, "cpus: 1\n"), ("mem: '1G' # x\n", "mem", "2G", "mem: 2G # x\n"),
      ("mem: \"1G\"#x\n", "mem", "2G", nil),
      ("slots: 4\r\ncpus: 1\r\n", "slots", "5", "slots: 5\r\ncpus: 1\r\n"),
      ("slots:\ncpus: 1\n", "slots", "5", "slots: 5\ncpus: 1\n"),
      ("é: 1\n", "slots", "5", "é: 1\nslots: 5\n"), ("slots: 4#4\n", "slots", "5", "slots: 5\n"),
      ("slots: many\n", "slots", "5", "slots: 5\n"),
      ("slots: [1, 2] # list\n", "slots", "5", "slots: 5 # list\n"), ("{slots: 4}\n", "slots", "5", nil),
      ("mem:\n  1G\n", "mem", "2G", nil),
      ("mem: |\n  1G\n", "mem", nil, nil), ("a: 1\n...\n", "slots", "5", nil),
      ("\"slots\": 4\n", "slots", "5", "\"slots\": 5\n"),
      ("slots: 4\n\n\n", "cpus", "5", "slots: 4\n\n\ncpus: 5\n"),
      ("retry_delay: 1:30 # x", "retry_delay", "0:45", "retry_delay: 0:45 # x"),
    ] as [(String, String, String?, String?)])
  func oneSettingIsChangedAndTheRestStays(yaml: String, key: String, value: String?, expected: String?) throws
  {
    if let expected {
      #expect(try QueueSettings.setting(key, to: value, in: yaml) == expected)
    } else {
      #expect(complaint { _ = try QueueSettings.setting(key, to: value, in: yaml) } != nil)
    }
  }

  @Test func badChangesAreRefused() {
    #expect(
      complaint { _ = try QueueSettings.setting("slot", to: "1", in: "") }?.contains("Did you mean 'slots'?")
        == true)
    #expect(
      complaint { _ = try QueueSettings.setting("slots", to: "x", in: "") }?.contains("whole number") == true)
    #expect(
      complaint { _ = try QueueSettings.setting("slots", to: "1", in: "a: [") }?.contains("not valid YAML")
        == true)
  }
}
