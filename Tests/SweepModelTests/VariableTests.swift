import Testing

@testable import SweepModel

@Suite struct VariableTests {
  @Test(arguments: [
    ("/opt/env/bin/python", ["/opt/env/bin/python"]),
    ("  srun  -n\t4 ", ["srun", "-n", "4"]),
    ("", []),
    ("'/opt/my env/bin/python' -u", ["/opt/my env/bin/python", "-u"]),
    (#"a\ b "c d"e '' "x\"y\z""#, ["a b", "c de", "", #"x"y\z"#]),
    ("$HOME `x` *", ["$HOME", "`x`", "*"]),
  ]) func itsWordsAreThoseOfAShell(text: String, words: [String]) {
    #expect(VariableText.words(text) == words)
  }

  @Test(arguments: ["'", "a \"b", "x\\"]) func anOpenQuoteHasNoWords(text: String) {
    #expect(VariableText.words(text) == nil)
    var settings = ExecutorSettings()
    #expect(throws: QueueError.self) { try settings.set(.variables, "x", to: text) }
  }

  private func render(
    _ arguments: [String], shell: Bool = false, _ variables: [String: String]
  ) throws -> [String] {
    let template = CommandTemplate(arguments: arguments, usesShell: shell, parameters: ["x"])
    try template.validate(names: ["x"])
    return template.render(
      Point([("x", .text("a b"))]), job: JobID(rawValue: 7), index: 0, variables: variables)
  }

  @Test func aVariableIsAsManyArgumentsAsItHasWords() throws {
    let values = ["run": "mpirun -n 2", "python": "/opt/python", "nothing": ""]
    #expect(
      try render(["{run}", "{python}", "--x", "{x}", "{nothing}", "o={run}"], values)
        == ["mpirun", "-n", "2", "/opt/python", "--x", "a b", "o=mpirun -n 2"])
    #expect(try render(["{run}", "{x}"], [:]) == ["{run}", "a b"], "without a value it is shown as it is")
  }

  @Test func aCommandWithVariablesAloneGetsItsParameters() throws {
    #expect(try render(["{python}", "train.py"], ["python": "py"]) == ["py", "train.py", "x=a b"])
  }

  @Test func inAShellLineItIsAPieceOfTheLine() throws {
    #expect(
      try render(["{solver} --in {x} > out"], shell: true, ["solver": "module load s && s.x"])
        == ["/bin/sh", "-c", "module load s && s.x --in 'a b' > out"])
  }

  @Test func onlyNamesThatAreNoParametersAreVariables() {
    #expect(CommandTemplate(arguments: ["{b}{x}", "{a}"], parameters: ["x"]).variables == ["a", "b"])
    #expect(CommandTemplate(arguments: ["{b}"]).variables == [])
  }

  @Test func theMachineHasASectionOfItsOwn() throws {
    let yaml = """
      executors:
        lab: {variables: {python: py3}, weight: 2}
        local:
          variables: {python: python3}
          tags: [gpu]
        other: {}
      """
    #expect(try ExecutorSettings.parse(yaml: yaml, file: "f").keys.sorted() == ["lab", "other"])
    let machine = try #require(try ExecutorSettings.parseMachine(yaml: yaml, file: "f"))
    #expect(machine.offers == ["gpu", "{python}"])
    #expect(try ExecutorSettings.names(yaml: yaml, file: "f") == ["lab", "local", "other"])
    #expect {
      _ = try ExecutorSettings.parse(yaml: "executors:\n  local: {ssh: h}\n", file: "f")
    } throws: {
      "\($0)".contains("f:2:11") && "\($0)".contains("'ssh' is not a setting of local")
    }
    // What changes another leaves it alone.
    let removed = try ExecutorSettings.removing("lab", from: yaml, file: "f")
    #expect(try ExecutorSettings.parseMachine(yaml: removed, file: "f") == machine)
  }
}
