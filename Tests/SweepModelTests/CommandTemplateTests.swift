import SweepModel
import Testing

@Suite struct CommandTemplateTests {
  static let point = Point([
    ("lr", .text("1e-3")), ("seed", .integer(7)), ("on", .boolean(true)), ("off", .boolean(false)),
    ("s", .text("it's a b")),
  ])

  private func render(_ arguments: [String], _ point: Point = point, shell: Bool = false) throws -> [String] {
    let template = CommandTemplate(arguments: arguments, usesShell: shell)
    try template.validate(names: point.entries.map(\.name))
    return template.render(point, job: JobID(rawValue: 12), index: 3)
  }

  @Test(arguments: [
    (["t", "--lr", "{lr}", "o_{seed}.txt"], ["t", "--lr", "1e-3", "o_7.txt"]),
    (["t", "{params}"], ["t", "lr=1e-3", "seed=7", "on=true", "off=false", "s=it's a b"]),
    (["t", "-p {params}"], ["t", "-p lr=1e-3 seed=7 on=true off=false s=it's a b"]),
    (["t", "{flags}"], ["t", "--lr", "1e-3", "--seed", "7", "--on", "--s", "it's a b"]),
    (["t", "x{flags}"], ["t", "x--lr 1e-3 --seed 7 --on --s it's a b"]),
    (["t", "{job}", "{index}", "{job}-{index}"], ["t", "12", "3", "12-3"]),
    (["t", "{{lr}}", "{{{lr}}}", "{{{{lr}}}}", "{job}"], ["t", "{lr}", "{1e-3}", "{{lr}}", "12"]),
    (["awk", "{print $1}", "{seed}"], ["awk", "{print $1}", "7"]),
    (["t", "{\"a\":{\"b\":{seed}}}"], ["t", "{\"a\":{\"b\":7}}"]),
    (["t", "{{\"a\": {seed}}}"], ["t", "{\"a\": 7}"]),
    (
      ["t", "{}", "{", "}", "}}", "{1}", "{a b}", "{seed", "{seed}"],
      ["t", "{}", "{", "}", "}}", "{1}", "{a b}", "{seed", "7"]
    ),
    (["t", "{{", "{job}"], ["t", "{", "12"]),
    (["t", "é{seed}漢"], ["t", "é7漢"]),
    (["t", "{off}{on}"], ["t", "falsetrue"]),
    (["t"], ["t", "lr=1e-3", "seed=7", "on=true", "off=false", "s=it's a b"]),
    (["t", "{{x}}"], ["t", "{x}", "lr=1e-3", "seed=7", "on=true", "off=false", "s=it's a b"]),
  ])
  func arguments(template: [String], expected: [String]) throws {
    #expect(try render(template) == expected)
  }

  @Test func withoutParametersNothingIsAppended() throws {
    #expect(try render(["t", "a"], Point([])) == ["t", "a"])
    #expect(try render(["t", "{params}", "{flags}"], Point([])) == ["t"])
  }

  @Test func aLineIsAppendedBare() throws {
    let point = Point([("line", .text("a b"))])
    #expect(try render(["gzip"], point) == ["gzip", "a b"])
    #expect(try render(["gzip -k"], point, shell: true) == ["/bin/sh", "-c", "gzip -k 'a b'"])
    #expect(try render(["gzip", "{line}.x"], point) == ["gzip", "a b.x"])
  }

  @Test(arguments: [
    ("echo {s}", "echo 'it'\\''s a b'"), ("echo \"x {s}\"", "echo \"x \"'it'\\''s a b'\"\""),
    ("echo 'x {seed}'", "echo 'x ''7'''"), ("echo $(({seed} + 1))", "echo $((7 + 1))"),
    ("echo {flags} > f{job}", "echo '--lr' '1e-3' '--seed' '7' '--on' '--s' 'it'\\''s a b' > f'12'"),
    ("echo \"$(date) {seed}\"", "echo \"$(date) \"'7'\"\""), ("echo $(echo {seed})", "echo $(echo '7')"),
    ("echo it\\'s {seed}", "echo it\\'s '7'"), ("# it's\necho {seed}", "# it's\necho '7'"),
    ("echo a#b'c' {seed}", "echo a#b'c' '7'"), ("echo `date` {seed}", "echo `date` '7'"),
    ("echo \"${{x}}\" {seed}", "echo \"${x}\" '7'"), ("echo $((1<<2)) {index}", "echo $((1<<2)) '3'"),
    ("echo $(( (1+2)*{s} ))", "echo $(( (1+2)*'it'\\''s a b' ))"),
    ("echo \"$(echo {seed})\"", "echo \"$(echo '7')\""), ("echo \"a\\\"{seed}\"", "echo \"a\\\"\"'7'\"\""),
  ])
  func shellLines(template: String, line: String) throws {
    #expect(try render([template], shell: true) == ["/bin/sh", "-c", line])
  }

  @Test func shellArgumentsAreJoinedAndParametersAppended() throws {
    #expect(try render(["echo", "{seed}", "|", "cat"], shell: true) == ["/bin/sh", "-c", "echo '7' | cat"])
    #expect(
      try render(["echo", "-n"], Point([("a", .text("x y")), ("b", .integer(1))]), shell: true)
        == ["/bin/sh", "-c", "echo -n 'a=x y' 'b=1'"])
  }

  @Test(arguments: [
    ("echo `echo {seed}`", "{seed} stands inside backquotes"), ("cat <<E\n{seed}\nE", "here-document"),
    ("echo \"${{v:-{seed}}}\"", "${...}"), ("echo $'a' {seed}", "$'...'"), ("# x {params}", "a comment"),
    ("echo \"`echo {flags}`\"", "{flags} stands inside backquotes"),
    ("echo \"$(case x in a) ;; esac; echo {job})\"", "case in"),
    ("echo \"${{a:-${{b}}x}} {index}\" \"${{c {index}", "${...}"),
    ("echo 'open", "cannot be appended"), ("echo x # note", "cannot be appended"),
    ("echo \"x", "cannot be appended"),
    ("`a \\` {seed}`", "backquotes"), ("\"${{a\\} {seed}}}\"", "${...}"),
  ])
  func whatCannotBeQuotedIsRefused(template: String, part: String) {
    let message = complaint { _ = try render([template], shell: true) } ?? "accepted"
    #expect(message.contains(part), "\(message)")
  }

  @Test func unknownPlaceholdersAreNamed() {
    let message = complaint { _ = try render(["t", "{rate}"]) } ?? "accepted"
    #expect(message.contains("{rate}"))
    #expect(message.contains("{lr}, {seed}, {on}, {off}, {s}, {params}, {flags}, {job}, {index}"))
    #expect(message.contains("{{rate}}"))
    #expect(complaint { _ = try render([]) }?.contains("no command") == true)
    #expect(complaint { _ = try render([""]) }?.contains("no command") == true)
    #expect(complaint { _ = try render(["a\0b"]) }?.contains("NUL") == true)
  }

  @Test func textsForFileNames() throws {
    let job = JobID(rawValue: 12)
    #expect(
      try CommandTemplate.renderText("in/{lr}_{job}_{index}.txt", Self.point, job: job, index: 3)
        == "in/1e-3_12_3.txt")
    #expect(throws: QueueError.self) {
      try CommandTemplate.renderText("{none}", Self.point, job: job, index: 3)
    }
    #expect(throws: QueueError.self) { try CommandTemplate.validateText("{none}", names: ["lr"]) }
    try CommandTemplate.validateText("{lr}", names: ["lr"])
  }

  @Test func equalTemplatesAreEqual() {
    #expect(CommandTemplate(arguments: ["a", "{b}"]) == CommandTemplate(arguments: ["a", "{b}"]))
    #expect(
      CommandTemplate(arguments: ["a {b}"], usesShell: true)
        == CommandTemplate(arguments: ["a {b}"], usesShell: true))
    #expect(CommandTemplate(arguments: ["a {b}"], usesShell: true) != CommandTemplate(arguments: ["a {b}"]))
    #expect(
      Set([CommandTemplate(arguments: ["a"]), CommandTemplate(arguments: ["a"], usesShell: true)]).count == 2)
  }

  @Test func noPlaceholderIsLeft() throws {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<2000 {
      let names = (0..<Int.random(in: 1...4, using: &generator)).map { "p\($0)" }
      let point = Point(names.map { ($0, .integer(Int64.random(in: 0...9, using: &generator))) })
      var text = ""
      for _ in 0..<Int.random(in: 1...8, using: &generator) {
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: text += "{\(names.randomElement(using: &generator) ?? "")}"
        case 1: text += ["{params}", "{flags}", "{job}", "{index}"].randomElement(using: &generator) ?? ""
        default: text += generator.text(upTo: 4, without: "{}")
        }
      }
      let rendered = try render(["t", text], point)
      #expect(!rendered.joined().contains("{"), "\(text) gave \(rendered)")
    }
  }

  @Test func literalTextStaysWithoutBraces() throws {
    var generator = SeededGenerator(seed: 9)
    for _ in 0..<2000 {
      let text = generator.text(upTo: 20, without: "{}")
      #expect(try render(["t", text, "{job}"]) == ["t", text, "12"])
    }
  }
}
