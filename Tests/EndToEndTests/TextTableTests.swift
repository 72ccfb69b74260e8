import Testing

@testable import sweepq

struct TextTableTests {
  private var table: TextTable {
    var table = TextTable([.number("id"), .text("state"), .flexible("parameters")])
    table.add([.init(7), .init("running", paint: .blue), .init("lr=0.1 seed=1")])
    table.add([.init(12345), .init("failed", paint: .red), .init("名前=値 | \"x\"")])
    table.add([.init(9), .none])
    return table
  }

  @Test func columnsAreAligned() {
    #expect(
      table.rendered(width: nil, style: .plain) == """
           id  state    parameters
            7  running  lr=0.1 seed=1
        12345  failed   名前=値 | "x"
            9  -        -

        """)
  }

  @Test func aNarrowTerminalCutsTheFlexibleColumn() {
    let lines = table.rendered(width: 26, style: .plain).split(separator: "\n").map(String.init)
    #expect(lines[1] == "    7  running  lr=0.1 se…")
    #expect(lines[2] == "12345  failed   名前=値 |…")
    for line in lines { #expect(line.displayWidth <= 26) }
  }

  @Test func colorDoesNotShiftColumns() {
    let line = table.rendered(width: nil, style: Style(isColored: true)).split(separator: "\n")[1]
    #expect(line == "    7  \u{1b}[34mrunning\u{1b}[0m  lr=0.1 seed=1")
  }

  @Test func markdownEscapesBars() {
    #expect(
      table.markdown == """
        | id | state | parameters |
        | ---: | --- | --- |
        | 7 | running | lr=0.1 seed=1 |
        | 12345 | failed | 名前=値 \\| "x" |
        | 9 | - | - |

        """)
  }

  @Test func csvQuotesWhatItMust() {
    #expect(
      table.csv == #"""
        id,state,parameters
        7,running,lr=0.1 seed=1
        12345,failed,"名前=値 | ""x"""
        9,,

        """#)
  }

  @Test func jsonKeepsTypes() {
    #expect(
      table.json.serialized.hasPrefix(
        #"[{"id":7,"state":"running","parameters":"lr=0.1 seed=1"},{"id":12345,"#))
    #expect(table.json.serialized.hasSuffix(#"{"id":9,"state":null,"parameters":null}]"#))
  }

  @Test func controlCharactersCannotMoveTheCursor() {
    var table = TextTable([.text("a")])
    table.add([.init("x\u{1b}[2Jy\nz")])
    #expect(table.rendered(width: nil, style: .plain) == "a\nx\\x1b[2Jy\\nz\n")
  }

  @Test(arguments: [("abc", 3), ("日本", 4), ("e\u{301}", 1), ("🚀", 2), ("", 0), ("❤️", 2)])
  func widthIsThatOfTheTerminal(text: String, width: Int) {
    #expect(text.displayWidth == width)
  }
}
